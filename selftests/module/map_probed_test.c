// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that write to a map run inside the map's own code, since they are attached
 * to functions that it calls: what userspace stores there stays what it is, nobody waits
 * for himself, and what could not be done was counted.
 */

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define KEYS		32
#define THEIRS		8	/* keys of programs, behind those */
#define OPERATIONS	2000

/* What maps call on their ways; those that are not there are left out. */
static const char *const functions[] = {
	"_copy_from_user", "_copy_to_user", "kvmalloc_node", "kvfree", "__kmalloc", "kfree",
	"irq_work_queue", "down_read", "up_read", "_raw_spin_lock", "_raw_spin_unlock",
	"_raw_spin_trylock", "memcpy", "__cond_resched", "kvfree_call_rcu", "call_rcu",
	"kmem_cache_alloc", "kmem_cache_free", "__check_object_size", "mutex_lock",
};

struct key {
	__u32 bits;
	__u32 number;
};

FIXTURE(probed) {
	int dev;
	int map;
	int ring;
	int queue;
	int links[ARRAY_SIZE(functions)];
	int nr_links;
	__u32 cpus;
	__u32 random;
	bool used[KEYS];
	__u64 values[KEYS];
};

FIXTURE_VARIANT(probed) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(probed, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(probed, percpu_hash) { BPF_MAP_TYPE_PERCPU_HASH };
FIXTURE_VARIANT_ADD(probed, lpm_trie) { BPF_MAP_TYPE_LPM_TRIE };

/* One of its own keys comes or goes, and something into ring and queue. */
#define WRITE								\
	"call bpf_get_prandom_u32\n"					\
	"r6 = r0\n"							\
	"r0 &= 7\n"							\
	"r0 += 32\n"							\
	"*(u32 *)(r10 - 8) = 32\n"					\
	"*(u32 *)(r10 - 4) = w0\n"					\
	"*(u64 *)(r10 - 16) = 0x5555\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\n"							\
	"r2 += -8\n"							\
	"if r6 s< 0 goto delete\n"					\
	"r6 &= 64\n"							\
	"if r6 == 0 goto delete\n"					\
	"r3 = r10\n"							\
	"r3 += -16\n"							\
	"r4 = 0\n"							\
	"call bpf_map_update_elem\n"					\
	"goto others\n"							\
	"delete:\n"							\
	"call bpf_map_delete_elem\n"					\
	"others:\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\n"							\
	"r2 += -16\n"							\
	"r3 = 8\n"							\
	"r4 = 2\n"							\
	"call bpf_ringbuf_output\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\n"							\
	"r2 += -16\n"							\
	"r3 = 2\n"							\
	"call bpf_map_push_elem\n"					\
	"r0 = 0\n"							\
	"exit\n"

static void attach_all(FIXTURE_DATA(probed) * self)
{
	int prog = km_kprobe(self->dev, WRITE, self->map, self->ring, self->queue);

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, functions[i]);

		if (link >= 0)
			self->links[self->nr_links++] = link;
	}
	close(prog);
}

FIXTURE_SETUP(probed)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = variant->type == BPF_MAP_TYPE_PERCPU_HASH ? abi.cpus : 1;
	self->random = 1;
	self->map = km_map(self->dev, variant->type, 8, 8, KEYS + THEIRS,
			   variant->type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0);
	self->ring = km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	self->queue = km_map(self->dev, BPF_MAP_TYPE_QUEUE, 0, 8, 16, 0);
	ASSERT_LE(0, self->map);
	ASSERT_LE(0, self->queue);
	attach_all(self);
	ASSERT_LT(2, self->nr_links);
}

FIXTURE_TEARDOWN(probed)
{
	for (int i = 0; i < self->nr_links; i++)
		close(self->links[i]);
	close(self->map);
	close(self->ring);
	close(self->queue);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static __u32 rnd(FIXTURE_DATA(probed) * self, __u32 below)
{
	self->random = self->random * 1664525 + 1013904223;
	return (self->random >> 8) % below;
}

static int elem(FIXTURE_DATA(probed) * self, unsigned long cmd, __u32 number, __u64 *value)
{
	struct key key = { 32, number };
	__u64 values[256];
	int err;

	for (__u32 i = 0; i < self->cpus; i++)
		values[i] = *value;
	err = km_elem(self->map, cmd, &key, sizeof(key), values,
		      cmd == KAPSEL_MAP_DELETE ? 0 : 8 * self->cpus, 0);
	*value = values[self->cpus - 1];
	return err;
}

static void one_operation(struct __test_metadata *_metadata, FIXTURE_DATA(probed) * self)
{
	__u32 key = rnd(self, KEYS);
	__u64 value = rnd(self, 1 << 24);
	bool used = self->used[key];

	switch (rnd(self, 4)) {
	case 0:
		ASSERT_EQ(0, elem(self, KAPSEL_MAP_UPDATE, key, &value));
		self->used[key] = true;
		self->values[key] = value;
		break;
	case 1:
		ASSERT_EQ(used ? 0 : -ENOENT, elem(self, KAPSEL_MAP_DELETE, key, &value));
		self->used[key] = false;
		break;
	default:
		ASSERT_EQ(used ? 0 : -ENOENT, elem(self, KAPSEL_MAP_LOOKUP, key, &value));
		ASSERT_TRUE(!used || self->values[key] == value);
	}
}

/* Each of its keys is met once; those of programs, which come and go, may be met. */
static void walk(struct __test_metadata *_metadata, FIXTURE_DATA(probed) * self)
{
	struct kapsel_map_batch arg = {
		.op = KAPSEL_BATCH_LOOKUP, .key_size = sizeof(struct key),
		.value_size = 8 * self->cpus,
	};
	static struct key keys[64];
	static __u64 values[64 * 64];
	bool met[KEYS] = {};

	while (!arg.done) {
		arg.keys = km_ptr(keys);
		arg.values = km_ptr(values);
		arg.count = ARRAY_SIZE(keys);
		ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &arg));
		for (__u32 i = 0; i < arg.count; i++) {
			ASSERT_GT(KEYS + THEIRS, keys[i].number);
			if (keys[i].number >= KEYS)
				continue;
			ASSERT_FALSE(met[keys[i].number]);
			met[keys[i].number] = true;
		}
	}
	ASSERT_EQ(0, memcmp(met, self->used, sizeof(met)));
}

TEST_F_TIMEOUT(probed, what_userspace_stores_stays, 300)
{
	__u64 runs = 0, recursed = 0;

	for (int i = 0; i < OPERATIONS; i++) {
		one_operation(_metadata, self);
		if (i % 100 == 0)
			walk(_metadata, self);
		ASSERT_GE(KEYS + THEIRS, km_info(self->map).map.used);
	}
	for (int i = 0; i < self->nr_links; i++) {
		struct kapsel_link_info info = km_info(self->links[i]).link;

		runs += info.runs;
		recursed += info.recursed;
	}
	TH_LOG("%d functions, %llu runs, %llu inside of others; %llu records lost", self->nr_links,
	       runs, recursed, km_info(self->ring).map.lost);
	EXPECT_LT(OPERATIONS, runs);
}

TEST_HARNESS_MAIN
