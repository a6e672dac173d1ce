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
#include "module/lib/km_random.h"
#include "module/lib/km_twins.h"

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
	struct km_twins both;
	__u32 cpus;
};

FIXTURE_SETUP(walks)
{
	cpu_set_t one;

	/* Whose values of a per-CPU map it is must be the same for both. */
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	self->cpus = sysconf(_SC_NPROCESSORS_CONF);
	ASSERT_GE(MOST_CPUS, self->cpus);
	ASSERT_EQ(0, km_load_ours(&self->both, FILE_NAME, KAPSEL_ENGINE_AUTO, "flagged"));
	if (km_load_theirs(&self->both, FILE_NAME))
		SKIP(return KM_NO_TEST, "bpf(2): %d", errno);
}

FIXTURE_TEARDOWN(walks)
{
	km_twins_close(&self->both);
}

/* The same to both. */
static int put(FIXTURE_DATA(walks) * self, size_t which, __u32 key)
{
	const char *name = maps[which].name;
	__u32 n = maps[which].percpu ? self->cpus : 1;
	__u64 values[MOST_CPUS];

	for (__u32 i = 0; i < n; i++)
		values[i] = km_rnd(1000);
	return km_elem(km_our_map(&self->both, name), KAPSEL_MAP_UPDATE, &key, 4, values, 8 * n,
		       0) ?:
	       bpf_map_update_elem(km_their_map(&self->both, name), &key, values, 0);
}

/* Whether a key is there, and the values, on all CPUs. */
static bool same(FIXTURE_DATA(walks) * self, size_t which, __u32 key)
{
	const char *name = maps[which].name;
	__u32 n = maps[which].percpu ? self->cpus : 1;
	__u64 ours[MOST_CPUS] = {}, theirs[MOST_CPUS] = {};
	int err = km_elem(km_our_map(&self->both, name), KAPSEL_MAP_LOOKUP, &key, 4, ours, 8 * n,
			  0);

	if (err != bpf_map_lookup_elem(km_their_map(&self->both, name), &key, theirs))
		return false;
	return err || !memcmp(ours, theirs, 8 * n);
}

static void fill(struct __test_metadata *_metadata, FIXTURE_DATA(walks) * self, size_t which)
{
	/* Linux's LRU makes room before it is full. */
	__u32 count = km_rnd(maps[which].array ? ENTRIES : ENTRIES / 2);

	while (count--)
		ASSERT_EQ(0, put(self, which, km_rnd(maps[which].array ? ENTRIES : ENTRIES / 2)));
}

static void compare(struct __test_metadata *_metadata, FIXTURE_DATA(walks) * self,
		    size_t which, const struct order *order)
{
	struct sums ours = {}, theirs = {};
	char prog[32];

	snprintf(prog, sizeof(prog), "walk_%s", maps[which].name);
	ASSERT_EQ(0, km_give_order(&self->both, order, sizeof(*order)));
	ASSERT_EQ(0, km_run_ours(&self->both, prog, &ours, sizeof(ours)));
	ASSERT_EQ(0, km_run_theirs(&self->both, prog, &theirs));
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
			struct order order = { .remove = km_rnd(4), .add = km_rnd(2) };

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
	struct kapsel_prog *prog = kapsel_prog_find(self->both.ours, "flagged");
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	struct sums theirs;

	EXPECT_NE(0, kapsel_prog_load(&self->both.dev, prog, NULL, &res, &err));
	EXPECT_EQ(KPS_D_HELPER_CONST, res.verdict.code);
	kapsel_result_free(&res);
	ASSERT_EQ(0, km_run_theirs(&self->both, "flagged", &theirs));
	EXPECT_EQ(-EINVAL, theirs.ret);
	EXPECT_EQ(0, theirs.calls);
}

TEST_HARNESS_MAIN
