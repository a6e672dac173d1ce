// SPDX-License-Identifier: GPL-2.0-only
/* Hash tables that make room: who goes, who stays, and what happens all at once */

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_target.h"

#define ENTRIES	32

FIXTURE(lru) {
	int dev;
	int map;
	__u32 cpus;
	__u32 size;
	__u64 value[256];
	int finder;
	int storer;
};

FIXTURE_VARIANT(lru) {
	__u32 type;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(lru, hash) { BPF_MAP_TYPE_LRU_HASH, 0 };
FIXTURE_VARIANT_ADD(lru, percpu_hash) { BPF_MAP_TYPE_LRU_PERCPU_HASH, 0 };
FIXTURE_VARIANT_ADD(lru, no_common_lru) { BPF_MAP_TYPE_LRU_HASH, BPF_F_NO_COMMON_LRU };

#define KEY_FROM_CTX							\
	"r6 = *(u64 *)(r1 + 112)\n"					\
	"*(u32 *)(r10 - 4) = r6\n"					\
	"*(u64 *)(r10 - 16) = r6\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"

FIXTURE_SETUP(lru)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = variant->type == BPF_MAP_TYPE_LRU_HASH ? 1 : abi.cpus;
	self->size = 8 * self->cpus;
	self->map = km_map(self->dev, variant->type, 4, 8, ENTRIES, variant->flags);
	ASSERT_LE(0, self->map);
	self->finder = km_kprobe(self->dev, KEY_FROM_CTX
				 "call bpf_map_lookup_elem\n"
				 "if r0 == 0 goto out\n"
				 "r0 = 1\n"
				 "out:\n"
				 "exit\n", self->map);
	self->storer = km_kprobe(self->dev, KEY_FROM_CTX
				 "r3 = r10\n"
				 "r3 += -16\n"
				 "r4 = 0\n"
				 "call bpf_map_update_elem\n"
				 "exit\n", self->map);
	ASSERT_LE(0, self->finder);
	ASSERT_LE(0, self->storer);
}

FIXTURE_TEARDOWN(lru)
{
	close(self->map);
	close(self->finder);
	close(self->storer);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static long run(int prog, __u64 key)
{
	__u64 regs[21] = { [14] = key }, ret;
	int err = km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret);

	return err ?: (long)ret;
}

static int get(FIXTURE_DATA(lru) * self, __u32 key)
{
	return km_elem(self->map, KAPSEL_MAP_LOOKUP, &key, 4, self->value, self->size, 0);
}

static int set(FIXTURE_DATA(lru) * self, __u32 key, __u64 flags)
{
	for (__u32 i = 0; i < self->cpus; i++)
		self->value[i] = key;
	return km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 4, self->value, self->size, flags);
}

/* Nothing goes before there is need, and then one at a time. */
TEST_F(lru, full_makes_room_for_one)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self, i, BPF_NOEXIST));
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, get(self, i));
	for (__u32 i = ENTRIES; i < 1000; i++) {
		ASSERT_EQ(0, i & 1 ? set(self, i, BPF_ANY) : run(self->storer, i));
		ASSERT_EQ(0, get(self, i));
		ASSERT_EQ(ENTRIES, km_info(self->map).map.used);
	}
	EXPECT_EQ(0, km_info(self->map).map.lost);
}

TEST_F(lru, what_programs_use_stays)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self, i, BPF_ANY));
	for (__u32 i = 0; i < 20 * ENTRIES; i++) {
		ASSERT_EQ(1, run(self->finder, 3));
		ASSERT_EQ(0, set(self, 1000 + i, BPF_ANY));
	}
	EXPECT_EQ(0, get(self, 3));
	EXPECT_EQ(0, run(self->finder, 2));
}

/* Else who dumps the map would make it forget what matters. */
TEST_F(lru, what_userspace_looks_at_does_not)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self, i, BPF_ANY));
	for (__u32 i = 0; i < 2 * ENTRIES; i++) {
		get(self, 3);
		ASSERT_EQ(0, set(self, 1000 + i, BPF_ANY));
	}
	EXPECT_EQ(-ENOENT, get(self, 3));
}

TEST_F(lru, what_is_replaced_stays)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self, i, BPF_ANY));
	for (__u32 i = 0; i < 20 * ENTRIES; i++) {
		ASSERT_EQ(0, set(self, 3, BPF_EXIST));
		ASSERT_EQ(0, set(self, 1000 + i, BPF_ANY));
	}
	EXPECT_EQ(0, get(self, 3));
}

/* What all use must go all the same, if there is nothing else. */
TEST_F(lru, all_used_is_no_dead_end)
{
	for (__u32 i = 0; i < 20 * ENTRIES; i++) {
		ASSERT_EQ(0, set(self, i, BPF_ANY));
		ASSERT_EQ(1, run(self->finder, i));
	}
	EXPECT_EQ(ENTRIES, km_info(self->map).map.used);
}

/* What fails makes no room. */
TEST_F(lru, failures_cost_nobody_his_place)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self, i, BPF_ANY));
	EXPECT_EQ(-EEXIST, set(self, 5, BPF_NOEXIST));
	EXPECT_EQ(-ENOENT, set(self, 77, BPF_EXIST));
	for (__u32 i = 0; i < ENTRIES; i++)
		EXPECT_EQ(0, get(self, i));
}

/* ------------------------------------------------------------------------
 * All at once: two threads probed, probes where the map's code calls, userspace
 */
TEST_F_TIMEOUT(lru, storm, 120)
{
	int prog = km_kprobe(self->dev,
			     "r7 = 8\n"
			     "more:\n"
			     "call bpf_get_prandom_u32\n"
			     "r0 &= 127\n"
			     "*(u32 *)(r10 - 4) = r0\n"
			     "*(u64 *)(r10 - 16) = r0\n"
			     "r2 = r10\n"
			     "r2 += -4\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_lookup_elem\n"
			     "r2 = r10\n"
			     "r2 += -4\n"
			     "r3 = r10\n"
			     "r3 += -16\n"
			     "r4 = 0\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_update_elem\n"
			     "r7 += -1\n"
			     "if r7 != 0 goto more\n"
			     "r0 = 0\n"
			     "exit\n", self->map, self->map);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	int inner = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "jhash");
	__u64 seen[256] = {};
	struct km_fire fire;
	__u32 key, last;

	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 20000; i++) {
		set(self, i % 200, BPF_ANY);
		key = i * 7 % 200;
		km_elem(self->map, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0);
	}
	km_fire_stop(&fire);
	close(link);
	close(inner);
	/* Each is there once, with its own value, and no more than there may be. */
	EXPECT_GE(ENTRIES, km_info(self->map).map.used);
	for (int n = 0; !km_next(self->map, n ? &last : NULL, &key, 4); n++) {
		ASSERT_GT(ENTRIES, n);
		ASSERT_GT(256, key);
		ASSERT_EQ(0, seen[key]++);
		ASSERT_EQ(0, get(self, key));
		for (__u32 i = 0; i < self->cpus; i++)
			ASSERT_TRUE(self->value[i] == key || !self->value[i]);
		last = key;
	}
	for (__u32 i = 0; i < 4 * ENTRIES; i++)
		ASSERT_EQ(0, set(self, 1000 + i, BPF_ANY));
	EXPECT_EQ(ENTRIES, km_info(self->map).map.used);
	close(prog);
}

TEST_HARNESS_MAIN
