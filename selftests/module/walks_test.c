// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_for_each_map_elem() beside the kernel's own: one object, by libbpf and by kapsel,
 * whose walks find the same, change the same, remove the same and end the same
 */

#include <sched.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "core/diag.h"
#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define FILE_NAME "walks.bpf.o"
#define ENTRIES 50
#define ROUNDS 200
#define MOST_CPUS 256

/* As walks.bpf.c has them. */
struct order {
	__u64 stop, remove, add;
};

struct sums {
	__s64 ret;
	__u64 calls, keys, values;
	__s64 removed;
};

static const struct { const char *name; bool array; bool percpu; } maps[] = {
	{ "array", true, false }, { "percpu_array", true, true },
	{ "hash", false, false }, { "percpu_hash", false, true },
	{ "lru_hash", false, false }, { "lru_percpu_hash", false, true },
};

FIXTURE(walks) {
	struct kapsel_dev dev;
	struct kapsel_object *ours;
	struct bpf_object *theirs;
	__u32 cpus;
};

static int load_ours(struct kapsel_dev *dev, struct kapsel_object **obj)
{
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	int ret = kapsel_dev_open(dev, NULL, &err);

	if (ret)
		return ret;
	*obj = kapsel_open(FILE_NAME, &err);
	ret = *obj ? kapsel_maps_create(dev, *obj, &err) : err.err;
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(*obj); i++) {
		struct kapsel_prog *prog = kapsel_prog_at(*obj, i);

		if (strcmp(prog->name, "flagged"))
			ret = kapsel_prog_load(dev, prog, NULL, &res, &err);
		kapsel_result_free(&res);
	}
	if (ret)
		fprintf(stderr, "# %s\n", err.text);
	return ret;
}

FIXTURE_SETUP(walks)
{
	cpu_set_t one;

	/* Whose values of a per-CPU map it is must be the same for both. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	self->cpus = sysconf(_SC_NPROCESSORS_CONF);
	ASSERT_GE(MOST_CPUS, self->cpus);
	ASSERT_EQ(0, load_ours(&self->dev, &self->ours));
	self->theirs = bpf_object__open_file(FILE_NAME, NULL);
	ASSERT_NE(NULL, self->theirs);
	if (bpf_object__load(self->theirs))
		SKIP(return, "bpf(2): %d", errno);
}

FIXTURE_TEARDOWN(walks)
{
	kapsel_close(self->ours);
	bpf_object__close(self->theirs);
}

static int our_map(FIXTURE_DATA(walks) * self, const char *name)
{
	return kapsel_map_find(self->ours, name)->fd;
}

static int their_map(FIXTURE_DATA(walks) * self, const char *name)
{
	return bpf_object__find_map_fd_by_name(self->theirs, name);
}

static int run_ours(FIXTURE_DATA(walks) * self, const char *name, struct sums *sums)
{
	unsigned char packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 17 };
	__u32 zero = 0;
	__u64 ret = 0;
	int err = km_run(kapsel_prog_find(self->ours, name)->fd, NULL, 0, packet, sizeof(packet),
			 1, &ret);

	if (err || ret != 1)
		return err ?: -EIO;
	return km_elem(our_map(self, "results"), KAPSEL_MAP_LOOKUP, &zero, 4, sums,
		       sizeof(*sums), 0);
}

static int run_theirs(FIXTURE_DATA(walks) * self, const char *name, struct sums *sums)
{
	unsigned char frame[14 + 20] = { [12] = 8, [14] = 0x45, [17] = 20, [22] = 64, [23] = 17 };
	struct bpf_program *prog = bpf_object__find_program_by_name(self->theirs, name);
	__u32 zero = 0;
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (err || opts.retval != 1)
		return err ?: -EIO;
	return bpf_map_lookup_elem(their_map(self, "results"), &zero, sums);
}

static int give_order(FIXTURE_DATA(walks) * self, const struct order *order)
{
	struct order copy = *order;
	__u32 zero = 0;

	return km_elem(our_map(self, "orders"), KAPSEL_MAP_UPDATE, &zero, 4, &copy,
		       sizeof(copy), 0) ?:
	       bpf_map_update_elem(their_map(self, "orders"), &zero, order, 0);
}

static __u32 random_state = 1;

static __u32 rnd(__u32 below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

/* The same to both. */
static int put(FIXTURE_DATA(walks) * self, size_t which, __u32 key)
{
	const char *name = maps[which].name;
	__u32 n = maps[which].percpu ? self->cpus : 1;
	__u64 values[MOST_CPUS];

	for (__u32 i = 0; i < n; i++)
		values[i] = rnd(1000);
	return km_elem(our_map(self, name), KAPSEL_MAP_UPDATE, &key, 4, values, 8 * n, 0) ?:
	       bpf_map_update_elem(their_map(self, name), &key, values, 0);
}

/* Whether a key is there, and the values, on all CPUs. */
static bool same(FIXTURE_DATA(walks) * self, size_t which, __u32 key)
{
	const char *name = maps[which].name;
	__u32 n = maps[which].percpu ? self->cpus : 1;
	__u64 ours[MOST_CPUS] = {}, theirs[MOST_CPUS] = {};
	int err = km_elem(our_map(self, name), KAPSEL_MAP_LOOKUP, &key, 4, ours, 8 * n, 0);

	if (err != bpf_map_lookup_elem(their_map(self, name), &key, theirs))
		return false;
	return err || !memcmp(ours, theirs, 8 * n);
}

static void fill(struct __test_metadata *_metadata, FIXTURE_DATA(walks) * self, size_t which)
{
	/* Linux's LRU makes room before it is full. */
	__u32 count = rnd(maps[which].array ? ENTRIES : ENTRIES / 2);

	while (count--)
		ASSERT_EQ(0, put(self, which, rnd(maps[which].array ? ENTRIES : ENTRIES / 2)));
}

static void compare(struct __test_metadata *_metadata, FIXTURE_DATA(walks) * self,
		    size_t which, const struct order *order)
{
	struct sums ours = {}, theirs = {};
	char prog[32];

	snprintf(prog, sizeof(prog), "walk_%s", maps[which].name);
	ASSERT_EQ(0, give_order(self, order));
	ASSERT_EQ(0, run_ours(self, prog, &ours));
	ASSERT_EQ(0, run_theirs(self, prog, &theirs));
	EXPECT_EQ(theirs.ret, ours.ret) {
		TH_LOG("%s: stop %llu remove %llu", prog, order->stop, order->remove);
	}
	EXPECT_EQ(theirs.calls, ours.calls);
	/* Which ones come first is each hash's own business. */
	if (order->stop && !maps[which].array)
		return;
	EXPECT_EQ(theirs.keys, ours.keys);
	EXPECT_EQ(theirs.values, ours.values);
	EXPECT_EQ(theirs.removed, ours.removed);
	for (__u32 key = 0; key <= ENTRIES; key++) {
		EXPECT_TRUE(same(self, which, key)) {
			TH_LOG("%s: key %u", prog, key);
		}
	}
}

TEST_F(walks, of_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		compare(_metadata, self, i, &(struct order){});
}

TEST_F_TIMEOUT(walks, find_change_and_remove, 120)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		for (int round = 0; round < ROUNDS; round++) {
			struct order order = { .remove = rnd(4), .add = rnd(2) };

			fill(_metadata, self, i);
			compare(_metadata, self, i, &order);
		}
}

/* After the first, in the middle, with the last one, and never: so many calls there are. */
TEST_F_TIMEOUT(walks, stop, 120)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		for (__u32 key = 0; key < ENTRIES / 2; key++)
			ASSERT_EQ(0, put(self, i, key));
		for (__u64 stop = 1; stop <= ENTRIES + 1; stop++)
			compare(_metadata, self, i, &(struct order){ .stop = stop });
	}
}

/* kapsel says so when the program is loaded, Linux when it runs. */
TEST_F(walks, flags)
{
	struct kapsel_prog *prog = kapsel_prog_find(self->ours, "flagged");
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	struct sums theirs;

	EXPECT_NE(0, kapsel_prog_load(&self->dev, prog, NULL, &res, &err));
	EXPECT_EQ(KPS_D_HELPER_CONST, res.verdict.code);
	kapsel_result_free(&res);
	ASSERT_EQ(0, run_theirs(self, "flagged", &theirs));
	EXPECT_EQ(-EINVAL, theirs.ret);
	EXPECT_EQ(0, theirs.calls);
}

TEST_HARNESS_MAIN
