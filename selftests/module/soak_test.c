// SPDX-License-Identifier: GPL-2.0-only
/*
 * A soak: the module is loaded, used by several at a time, and unloaded, round after
 * round, and the kernel's memory stays where it was: make soak MINUTES=
 */

#include <linux/kernel.h>
#include <stdlib.h>
#include <time.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_module.h"
#include "module/lib/storm_user.h"

#define USERS		3
#define ROUNDS		8	/* of one second, if there is no time given */
#define ROUND_MS	4000	/* else */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/* ------------------------------------------------------------------------
 * What memory is looked at
 */

/**
 * struct row - a figure of the kernel's
 * @name: in /proc/meminfo; NULL: objects in kapsel's own caches
 * @allowed: by how many KiB it may grow from one half of the rounds to the other
 */
static const struct row {
	const char *name;
	long allowed;
} rows[] = {
	{ "SUnreclaim:", 512 },
	{ "Percpu:", 256 },
	{ "VmallocUsed:", 256 },
	{ "PageTables:", 256 },
	{ "KernelStack:", 256 },
	{ NULL, 64 },
};

#define NR_ROWS		ARRAY_SIZE(rows)

struct sample {
	long kib[NR_ROWS];
};

static void read_meminfo(struct sample *sample)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char name[64];
	long kib;

	while (f && fscanf(f, "%63s %ld%*[^\n]", name, &kib) == 2)
		for (size_t i = 0; i < NR_ROWS; i++)
			if (rows[i].name && !strcmp(name, rows[i].name))
				sample->kib[i] = kib;
	if (f)
		fclose(f);
}

static long own_caches(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	long used, all, size, sum = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld %ld %ld", name, &used, &all, &size) == 4 &&
		    !strncmp(name, "kapsel", 6))
			sum += used * size;
	if (f)
		fclose(f);
	return sum / 1024;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "# %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Much ends a while after its last user: networks, and what RCU keeps. */
static struct sample settled(void)
{
	struct sample best = {}, now = {};

	put("/proc/sys/vm/drop_caches", "3");
	read_meminfo(&best);
	for (int calm = 0, i = 0; calm < 3 && i < 50; i++) {
		usleep(100000);
		read_meminfo(&now);
		calm = now.kib[0] + now.kib[1] < best.kib[0] + best.kib[1] ? 0 : calm + 1;
		if (!calm)
			best = now;
	}
	return best;
}

/* ------------------------------------------------------------------------
 * Judgement
 */
static long lowest(const struct sample *samples, int from, int to, size_t row)
{
	long low = samples[from].kib[row];

	for (int i = from; i < to; i++)
		low = samples[i].kib[row] < low ? samples[i].kib[row] : low;
	return low;
}

/*
 * The first rounds fill what the kernel keeps; after them the lowest figure of one half
 * is compared with that of the other. What others do for a while only adds to a figure,
 * whereas a leak never goes away again.
 */
static long growth(const struct sample *samples, int nr, size_t row)
{
	int warm = nr / 4, half = warm + (nr - warm) / 2;

	return lowest(samples, half, nr, row) - lowest(samples, warm, half, row);
}

static bool is_flat(const struct sample *samples, int nr)
{
	for (size_t i = 0; i < NR_ROWS; i++)
		if (growth(samples, nr, i) > rows[i].allowed)
			return false;
	return true;
}

static const char *name_of(size_t row)
{
	return rows[row].name ?: "own caches:";
}

static void report(const struct sample *samples, int nr)
{
	for (size_t i = 0; i < NR_ROWS; i++)
		printf("# %-14s grew by %5ld KiB, of %ld allowed\n", name_of(i),
		       growth(samples, nr, i), rows[i].allowed);
	fflush(stdout);
}

TEST(what_grows_is_not_flat)
{
	static struct sample samples[40];

	for (size_t row = 0; row < NR_ROWS; row++) {
		long most = rows[row].allowed / 15 + 1;

		for (int i = 0; i < 40; i++)
			samples[i].kib[row] = 5000 + (i < 10 ? 1000 * i : 0) + i * 7919 % 5 * 2000;
		EXPECT_TRUE(is_flat(samples, 40));
		for (int i = 0; i < 40; i++)
			samples[i].kib[row] += i * most;
		EXPECT_FALSE(is_flat(samples, 40));
		memset(samples, 0, sizeof(samples));
	}
}

/* ------------------------------------------------------------------------
 * Rounds
 */
FIXTURE(soak) {
	__u64 addrs[2];
	__u32 born;
	struct sample *samples;
	int nr;
};

FIXTURE_SETUP(soak)
{
	if (access(KM_MODULE, R_OK))
		SKIP(return KM_NO_TEST, "no " KM_MODULE);
	ASSERT_TRUE(storm_find_functions(self->addrs));
	ASSERT_EQ(0, km_unload());
}

FIXTURE_TEARDOWN(soak)
{
	if (access(KAPSEL_DEVICE, F_OK))
		km_insmod();
}

static bool use_for(FIXTURE_DATA(soak) * self, int ms)
{
	pid_t users[USERS];
	bool lived = true;

	for (int i = 0; i < USERS; i++)
		users[i] = storm_user_bear(i, ++self->born, self->addrs);
	usleep(ms * 1000);
	for (int i = 0; i < USERS; i++)
		lived &= users[i] > 0 && storm_user_slay(users[i]);
	return lived;
}

/* Loaded, used, idle, unloaded: own caches are looked at while idle, the rest after. */
static void one_round(struct __test_metadata *_metadata, FIXTURE_DATA(soak) * self, int ms)
{
	struct sample *sample;
	int dev;
	long own;

	self->samples = realloc(self->samples, (self->nr + 1) * sizeof(*sample));
	ASSERT_TRUE(self->samples);
	ASSERT_EQ(0, km_insmod());
	EXPECT_TRUE(use_for(self, ms)) {
		TH_LOG("round %d: a user failed", self->nr);
	}
	dev = km_open();
	ASSERT_LE(0, dev);
	EXPECT_EQ(0, km_objects_settle(dev, 0));
	own = own_caches();
	close(dev);
	ASSERT_EQ(0, km_unload());
	sample = &self->samples[self->nr++];
	*sample = settled();
	sample->kib[NR_ROWS - 1] = own;
	printf("# round %d:", self->nr);
	for (size_t i = 0; i < NR_ROWS; i++)
		printf(" %s %ld", name_of(i), sample->kib[i]);
	printf(" KiB\n");
	fflush(stdout);
}

/* A kernel that looks for leaks also keeps what was freed for a while. */
static bool leaked(void)
{
	bool any;
	char c;
	int fd;

	for (int i = 0; i < 3; i++) {
		sleep(2);
		put(KMEMLEAK, "scan");
	}
	fd = open(KMEMLEAK, O_RDONLY | O_CLOEXEC);
	any = fd < 0 || read(fd, &c, 1) != 0;
	close(fd);
	return any;
}

TEST_F_TIMEOUT(soak, memory_stays_where_it_was, 360000)
{
	const char *text = getenv("KAPSEL_MINUTES");
	long minutes = text ? atol(text) : 0;
	time_t end = time(NULL) + 60 * minutes;

	do
		one_round(_metadata, self, minutes ? ROUND_MS : 1000);
	while (_metadata->passed && (minutes ? time(NULL) < end : self->nr < ROUNDS));
	report(self->samples, self->nr);
	EXPECT_TRUE(access(KMEMLEAK, W_OK) ? is_flat(self->samples, self->nr) : !leaked());
}

TEST_HARNESS_MAIN
