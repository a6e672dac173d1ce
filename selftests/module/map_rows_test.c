// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each map type by the ioctls, step by step beside the kernel's own by bpf(2):
 * the same errors, the same values, the same order where there is one
 */

#include <linux/kernel.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"
#include "module/lib/km_random.h"

#define ENTRIES		8
#define STEPS		6000
#define MAX_BYTES	4096

/**
 * struct shape - a map of some type, and what can be compared of it
 * @keys: so many different ones are tried; of an LRU as many as fit, since Linux
 *	makes room earlier than it must
 * @ordered: next_key goes the same way, else only its errors are the same
 */
struct shape {
	__u32 type;
	__u32 key;
	__u32 value;
	__u32 flags;
	__u32 keys;
	bool ordered;
};

static const struct shape shapes[] = {
	{ BPF_MAP_TYPE_HASH, 4, 8, 0, 12, false },
	{ BPF_MAP_TYPE_HASH, 4, 8, BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED, 12, false },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 0, 12, true },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 0, 12, false },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 0, 12, true },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 0, ENTRIES, false },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 0, ENTRIES, false },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, BPF_F_NO_PREALLOC, 0, true },
	{ BPF_MAP_TYPE_LPM_TRIE, 4 + 3, 13, BPF_F_NO_PREALLOC, 0, true },
	{ BPF_MAP_TYPE_LPM_TRIE, 4 + 256, 8, BPF_F_NO_PREALLOC, 0, true },
	{ BPF_MAP_TYPE_QUEUE, 0, 8, 0, 0, true },
	{ BPF_MAP_TYPE_QUEUE, 0, 3, 0, 0, true },
	{ BPF_MAP_TYPE_STACK, 0, 8, 0, 0, true },
	{ BPF_MAP_TYPE_STACK, 0, 13, 0, 0, true },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, BPF_F_ZERO_SEED, 0, true },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 3, BPF_F_ZERO_SEED, 0, true },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 0, 12, true },
};

/* Few prefixes that have much in common, and now and then one that is too long. */
static void random_prefix(const struct shape *s, unsigned char *key)
{
	static const unsigned char bytes[] = { 0x00, 0x80, 0xc0, 0xff };
	__u32 bits = (s->key - 4) * 8, len = km_rnd(4) ? km_rnd(20) : km_rnd(bits + 2);

	memset(key, 0, s->key);
	memcpy(key, &len, sizeof(len));
	for (__u32 i = 4; i < s->key; i++)
		key[i] = bytes[km_rnd(4)];
}

static void random_key(const struct shape *s, unsigned char *key)
{
	__u32 number;

	if (s->type == BPF_MAP_TYPE_LPM_TRIE) {
		random_prefix(s, key);
	} else if (s->key) {
		number = km_rnd(s->keys);
		memcpy(key, &number, sizeof(number));
	}
}

enum op { LOOKUP, UPDATE, DELETE, TAKE, NEXT, NR_OPS };

FIXTURE(rows) {
	int dev;
	int ours;
	int theirs;
	__u32 cpus;
	__u32 size;		/* of a value in ioctls */
	__u32 flags;		/* of updates: so many are tried */
	unsigned char key[MAX_BYTES];
	unsigned char our_value[MAX_BYTES];
	unsigned char their_value[MAX_BYTES];
};

FIXTURE_SETUP(rows)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = abi.cpus;
	km_random_state = 1;
}

FIXTURE_TEARDOWN(rows)
{
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static int make(FIXTURE_DATA(rows) * self, const struct shape *s)
{
	const struct kps_map_type *row = kps_map_type_find(s->type);

	self->size = row->ops & KAPSEL_MAP_OP_PERCPU ? 8 * self->cpus : s->value;
	self->flags = row->ops & KAPSEL_MAP_OP_PERCPU ? km_bpf_percpu_flags() : 4;
	self->theirs = km_bpf_map(s->type, s->key, s->value, ENTRIES, s->flags);
	self->ours = km_map(self->dev, s->type, s->key, s->value, ENTRIES, s->flags);
	return self->ours < 0 ? self->ours : 0;
}

static int ours(FIXTURE_DATA(rows) * self, const struct shape *s, enum op what, __u64 flags)
{
	static const unsigned long cmds[] = {
		[LOOKUP] = KAPSEL_MAP_LOOKUP, [UPDATE] = KAPSEL_MAP_UPDATE,
		[DELETE] = KAPSEL_MAP_DELETE, [TAKE] = KAPSEL_MAP_LOOKUP_DELETE,
	};
	const void *key = s->key ? self->key : NULL;

	if (what == NEXT)
		return km_next(self->ours, key, self->our_value, s->key);
	return km_elem(self->ours, cmds[what], key, s->key, self->our_value,
		       what == DELETE ? 0 : self->size, flags);
}

static int theirs(FIXTURE_DATA(rows) * self, const struct shape *s, enum op what, __u64 flags)
{
	static const int cmds[] = {
		[LOOKUP] = BPF_MAP_LOOKUP_ELEM, [UPDATE] = BPF_MAP_UPDATE_ELEM,
		[DELETE] = BPF_MAP_DELETE_ELEM, [TAKE] = BPF_MAP_LOOKUP_AND_DELETE_ELEM,
		[NEXT] = BPF_MAP_GET_NEXT_KEY,
	};
	int err = km_bpf_elem(cmds[what], self->theirs, s->key ? self->key : NULL,
			      what == DELETE ? NULL : self->their_value, flags);

	return km_bpf_as_kapsel(err);
}

/* Values few enough to come again, for those that are asked for them. */
static void fill_values(FIXTURE_DATA(rows) * self, enum op what)
{
	memset(self->our_value, 0, sizeof(self->our_value));
	if (what != NEXT && what != DELETE)
		for (__u32 i = 0; i < self->size; i += 8)
			self->our_value[i] = km_rnd(40);
	memcpy(self->their_value, self->our_value, sizeof(self->their_value));
}

/* What is read is not there unless it was; an array's order is its own in both. */
static bool comparable(const struct shape *s, enum op what)
{
	/* Linux has no lookup_and_delete for it in all versions. */
	if (what == TAKE && s->type == BPF_MAP_TYPE_STACK_TRACE)
		return false;
	return what != NEXT || s->ordered;
}

TEST_F_TIMEOUT(rows, steps_as_in_linux, 240)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];

		ASSERT_EQ(0, make(self, s)) {
			TH_LOG("type %u", s->type);
		}
		if (self->theirs < 0)
			SKIP(return, "bpf(2): %d", self->theirs);
		for (int step = 0; step < STEPS; step++) {
			enum op what = km_rnd(NR_OPS);
			__u64 flags = what == UPDATE ? km_rnd(self->flags) : 0;
			int err;

			if (!comparable(s, what))
				continue;
			random_key(s, self->key);
			fill_values(self, what);
			err = theirs(self, s, what, flags);
			ASSERT_EQ(err, ours(self, s, what, flags)) {
				TH_LOG("shape %zu step %d op %d flags %llu", i, step, what, flags);
			}
			ASSERT_EQ(0, err ? 0 : memcmp(self->our_value, self->their_value,
						      sizeof(self->our_value))) {
				TH_LOG("shape %zu step %d op %d", i, step, what);
			}
		}
		close(self->ours);
		close(self->theirs);
	}
}

/* From one to the next through all of them, from the first that there is. */
TEST_F_TIMEOUT(rows, walks_as_in_linux, 120)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		int err = 0;

		if (s->type != BPF_MAP_TYPE_LPM_TRIE)
			continue;
		ASSERT_EQ(0, make(self, s));
		if (self->theirs < 0)
			SKIP(return, "bpf(2): %d", self->theirs);
		for (int round = 0; round < 200; round++) {
			random_key(s, self->key);
			fill_values(self, UPDATE);
			theirs(self, s, UPDATE, 0);
			ours(self, s, UPDATE, 0);
			random_key(s, self->key);
			theirs(self, s, DELETE, 0);
			ours(self, s, DELETE, 0);
			err = km_bpf_elem(BPF_MAP_GET_NEXT_KEY, self->theirs, NULL,
					  self->their_value, 0);
			ASSERT_EQ(err, km_next(self->ours, NULL, self->our_value, s->key));
			for (int n = 0; !err; n++) {
				ASSERT_GT(ENTRIES, n);
				ASSERT_EQ(0, memcmp(self->our_value, self->their_value, s->key));
				memcpy(self->key, self->our_value, s->key);
				err = theirs(self, s, NEXT, 0);
				ASSERT_EQ(err, ours(self, s, NEXT, 0));
			}
		}
		close(self->ours);
		close(self->theirs);
	}
}

/* A walk by batches finds what a walk by keys does, each once. */
TEST_F(rows, batches_find_all)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		unsigned char values[2 * ENTRIES][256];
		struct kapsel_map_batch batch = {
			.op = KAPSEL_BATCH_LOOKUP, .values = km_ptr(values),
			.keys = km_ptr(self->key), .key_size = s->key,
		};
		__u32 n = 0;

		if (s->type == BPF_MAP_TYPE_BLOOM_FILTER)
			continue;
		ASSERT_EQ(0, make(self, s));
		for (int j = 0; j < 100; j++) {
			random_key(s, self->key);
			fill_values(self, UPDATE);
			ours(self, s, UPDATE, 0);
		}
		batch.value_size = self->size;
		while (!batch.done) {
			batch.count = ENTRIES;
			ASSERT_EQ(0, km_ioctl(self->ours, KAPSEL_MAP_BATCH, &batch));
			n += batch.count;
			ASSERT_GE(ENTRIES, n);
		}
		EXPECT_EQ(km_info(self->ours).map.used, n) {
			TH_LOG("type %u", s->type);
		}
		close(self->ours);
		close(self->theirs);
	}
}

/* What is there is there in Linux, too: no row is forgotten by accident. */
TEST(every_row_has_a_shape_or_a_test_of_its_own)
{
	static const __u32 own[] = {
		BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_CGROUP_ARRAY,
		BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS,
		BPF_MAP_TYPE_USER_RINGBUF, BPF_MAP_TYPE_CGROUP_STORAGE,
		BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
	};
	__u32 found = 0;

	for (__u32 t = 0; t < kps_nr_map_types; t++) {
		bool has = false;

		for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
			has |= shapes[i].type == kps_map_types[t].type;
		for (size_t i = 0; i < ARRAY_SIZE(own); i++)
			has |= own[i] == kps_map_types[t].type;
		EXPECT_TRUE(has) {
			TH_LOG("map type %s", kps_map_types[t].name);
		}
		found += has;
	}
	EXPECT_LT(0, found);
}

/* Errors of creation, with the flags and sizes of these types. */
TEST(creation_errors_as_in_linux)
{
	static const struct { __u32 type, key, value, entries, flags; } cases[] = {
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1, 0 }, { BPF_MAP_TYPE_STACK_TRACE, 4, 4, 1, 0 },
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 12, 1, 0 }, { BPF_MAP_TYPE_STACK_TRACE, 8, 8, 1, 0 },
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 127 * 8, 1, 0 },
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 128 * 8, 1, 0 },
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 0, 0 },
		{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 16, BPF_F_NO_COMMON_LRU },
		{ BPF_MAP_TYPE_HASH, 4, 8, 16, BPF_F_NO_COMMON_LRU },
		{ BPF_MAP_TYPE_LRU_HASH, 4, 0, 16, 0 },
		{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 1 << 16, 16, 0 },
		{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, 0 }, { BPF_MAP_TYPE_LPM_TRIE, 4, 8, 1, 1 },
		{ BPF_MAP_TYPE_LPM_TRIE, 5, 8, 1, 1 }, { BPF_MAP_TYPE_LPM_TRIE, 260, 8, 1, 1 },
		{ BPF_MAP_TYPE_LPM_TRIE, 261, 8, 1, 1 }, { BPF_MAP_TYPE_LPM_TRIE, 8, 0, 1, 1 },
		{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 0, 1 },
		{ BPF_MAP_TYPE_QUEUE, 0, 8, 1, 0 }, { BPF_MAP_TYPE_QUEUE, 4, 8, 1, 0 },
		{ BPF_MAP_TYPE_QUEUE, 0, 0, 1, 0 }, { BPF_MAP_TYPE_QUEUE, 0, 8, 0, 0 },
		{ BPF_MAP_TYPE_QUEUE, 0, 1 << 23, 1, 0 },
		{ BPF_MAP_TYPE_STACK, 0, 8, 1, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_STACK, 0, 8, 1, BPF_F_ZERO_SEED },
		{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0 },
		{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4097, 0 },
		{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 0, 0 },
		{ BPF_MAP_TYPE_USER_RINGBUF, 4, 0, 4096, 0 },
		{ BPF_MAP_TYPE_USER_RINGBUF, 0, 8, 4096, 0 },
		{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, BPF_F_RDONLY_PROG },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1, 0 },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 4, 8, 1, 0 },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 0, 1, 0 },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 0, 0 },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 1 << 23, 1, 0 },
		{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_ZERO_SEED },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_ZERO_SEED },
		{ BPF_MAP_TYPE_HASH, 4, 8, 1, BPF_F_PRESERVE_ELEMS },
		{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1, BPF_F_PRESERVE_ELEMS },
	};
	int dev = km_open();

	if (km_bpf_map(BPF_MAP_TYPE_HASH, 4, 8, 1, 0) < 0)
		SKIP(return, "no bpf(2)");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int theirs = km_bpf_map(cases[i].type, cases[i].key, cases[i].value,
					cases[i].entries, cases[i].flags);
		int ours = km_map(dev, cases[i].type, cases[i].key, cases[i].value,
				  cases[i].entries, cases[i].flags);

		EXPECT_EQ(theirs < 0 ? theirs : 0, ours < 0 ? ours : 0) {
			TH_LOG("case %zu", i);
		}
		close(theirs);
		close(ours);
	}
}

TEST_HARNESS_MAIN
