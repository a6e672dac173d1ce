// SPDX-License-Identifier: GPL-2.0-only
/* Queues, stacks and bloom filters: what programs and userspace make of them */

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_target.h"

#define ENTRIES	4

/* push(map, &di, si); pop and peek give the value, or the error. */
#define PUSH								\
	"r6 = *(u64 *)(r1 + 112)\n"					\
	"r3 = *(u64 *)(r1 + 104)\n"					\
	"*(u64 *)(r10 - 8) = r6\n"					\
	"r2 = r10\n"							\
	"r2 += -8\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_push_elem\n"					\
	"exit\n"

#define GET(helper)							\
	"r6 = *(u64 *)(r1 + 112)\n"					\
	"*(u64 *)(r10 - 8) = r6\n"					\
	"r2 = r10\n"							\
	"r2 += -8\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call " helper "\n"						\
	"if r0 != 0 goto out\n"						\
	"r0 = *(u64 *)(r10 - 8)\n"					\
	"out:\n"							\
	"exit\n"

FIXTURE(row) {
	int dev;
	int map;
	int push;
	int pop;
	int peek;
};

FIXTURE_VARIANT(row) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(row, queue) { BPF_MAP_TYPE_QUEUE };
FIXTURE_VARIANT_ADD(row, stack) { BPF_MAP_TYPE_STACK };

FIXTURE_SETUP(row)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, variant->type, 0, 8, ENTRIES, 0);
	ASSERT_LE(0, self->map);
	self->push = km_kprobe(self->dev, PUSH, self->map);
	self->pop = km_kprobe(self->dev, GET("bpf_map_pop_elem"), self->map);
	self->peek = km_kprobe(self->dev, GET("bpf_map_peek_elem"), self->map);
	ASSERT_LE(0, self->push);
	ASSERT_LE(0, self->pop);
	ASSERT_LE(0, self->peek);
}

FIXTURE_TEARDOWN(row)
{
	close(self->map);
	close(self->push);
	close(self->pop);
	close(self->peek);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static long run(int prog, __u64 di, __u64 si)
{
	__u64 regs[21] = { [14] = di, [13] = si }, ret;
	int err = km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret);

	return err ?: (long)ret;
}

static long take(int map, unsigned long cmd)
{
	__u64 value = 0;
	int err = km_elem(map, cmd, NULL, 0, &value, 8, 0);

	return err ?: (long)value;
}

static int put(int map, __u64 value, __u64 flags)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, NULL, 0, &value, 8, flags);
}

TEST_F(row, order)
{
	bool queue = variant->type == BPF_MAP_TYPE_QUEUE;

	EXPECT_EQ(-ENOENT, run(self->pop, 77, 0));
	EXPECT_EQ(-ENOENT, run(self->peek, 77, 0));
	for (int i = 1; i <= ENTRIES; i++)
		ASSERT_EQ(0, i & 1 ? run(self->push, i, 0) : put(self->map, i, 0));
	EXPECT_EQ(-E2BIG, run(self->push, 9, BPF_ANY));
	EXPECT_EQ(-EINVAL, run(self->push, 9, BPF_NOEXIST));
	EXPECT_EQ(-EINVAL, run(self->push, 9, 3));
	EXPECT_EQ(-EINVAL, run(self->push, 9, 1ULL << 32));
	EXPECT_EQ(1, km_info(self->map).map.lost);
	/* The oldest goes, in both. */
	EXPECT_EQ(0, run(self->push, 5, BPF_EXIST));
	for (int i = 2; i <= 5; i++) {
		long next = queue ? i : 7 - i;

		EXPECT_EQ(next, run(self->peek, 0, 0));
		EXPECT_EQ(next, take(self->map, KAPSEL_MAP_LOOKUP));
		EXPECT_EQ(next, i & 1 ? run(self->pop, 0, 0) :
					take(self->map, KAPSEL_MAP_LOOKUP_DELETE));
	}
	EXPECT_EQ(0, km_info(self->map).map.used);
	EXPECT_EQ(-ENOENT, take(self->map, KAPSEL_MAP_LOOKUP_DELETE));
}

/* A key is something that they do not have. */
TEST_F(row, keys_are_refused)
{
	__u64 value = 1;
	__u32 key = 0;

	EXPECT_EQ(-EINVAL, km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 0, &value, 8, 0));
	EXPECT_EQ(-EINVAL, km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 4, &value, 8, 0));
	EXPECT_EQ(-EINVAL, km_elem(self->map, KAPSEL_MAP_LOOKUP, NULL, 0, &value, 7, 0));
	EXPECT_EQ(-EINVAL, km_elem(self->map, KAPSEL_MAP_DELETE, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, km_next(self->map, NULL, &key, 0));
	EXPECT_EQ(-EFAULT, km_elem(self->map, KAPSEL_MAP_UPDATE, NULL, 0, (void *)8, 8, 0));
	EXPECT_EQ(0, km_info(self->map).map.used);
}

TEST_F(row, frozen)
{
	ASSERT_EQ(0, put(self->map, 1, 0));
	ASSERT_EQ(0, km_flags(self->map, KAPSEL_MAP_FREEZE));
	EXPECT_EQ(-EPERM, put(self->map, 2, 0));
	EXPECT_EQ(-EPERM, take(self->map, KAPSEL_MAP_LOOKUP_DELETE));
	EXPECT_EQ(1, take(self->map, KAPSEL_MAP_LOOKUP));
	EXPECT_EQ(1, run(self->pop, 0, 0));
}

TEST_F(row, batches)
{
	__u64 values[ENTRIES] = { 1, 2, 3, 4 };
	struct kapsel_map_batch batch = {
		.op = KAPSEL_BATCH_UPDATE, .count = ENTRIES, .values = km_ptr(values),
		.value_size = 8,
	};
	bool queue = variant->type == BPF_MAP_TYPE_QUEUE;

	ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(ENTRIES, batch.count);
	for (__u32 op = KAPSEL_BATCH_LOOKUP; op <= KAPSEL_BATCH_LOOKUP_DELETE; op++) {
		if (op != KAPSEL_BATCH_LOOKUP && op != KAPSEL_BATCH_LOOKUP_DELETE)
			continue;
		memset(values, 0, sizeof(values));
		batch.op = op;
		batch.count = ENTRIES;
		batch.cursor = 0;
		ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
		EXPECT_EQ(ENTRIES, batch.count);
		for (int i = 0; i < ENTRIES; i++)
			EXPECT_EQ(queue ? 1 + i : ENTRIES - i, values[i]);
	}
	EXPECT_EQ(0, km_info(self->map).map.used);
}

/* Each value that went in comes out once, or is still there, or was refused. */
TEST_F_TIMEOUT(row, storm, 120)
{
	const char *const text =
		"r6 = map[fd:%d] + 0 ll\n"
		"*(u64 *)(r10 - 8) = 1\n"
		"r2 = r10\n"
		"r2 += -8\n"
		"r3 = 0\n"
		"r1 = map[fd:%d] ll\n"
		"call bpf_map_push_elem\n"
		"if r0 != 0 goto pop\n"
		"r1 = 1\n"
		"lock *(u64 *)(r6 + 0) += r1\n"
		"pop:\n"
		"r2 = r10\n"
		"r2 += -8\n"
		"r1 = map[fd:%d] ll\n"
		"call bpf_map_pop_elem\n"
		"r1 = *(u64 *)(r10 - 8)\n"
		"r6 = map[fd:%d] + 0 ll\n"
		"lock *(u64 *)(r6 + 0) += r1\n"
		"r0 = 0\n"
		"exit\n";
	int pushed = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int popped = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int prog = km_kprobe(self->dev, text, pushed, self->map, self->map, popped);
	int links[2];
	struct km_fire fire;
	__u64 ours = 0;

	ASSERT_LE(0, prog);
	links[0] = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	links[1] = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "vfs_read");
	ASSERT_LE(0, links[0]);
	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 5000; i++) {
		long err = take(self->map, KAPSEL_MAP_LOOKUP_DELETE);

		ASSERT_TRUE(err == 1 || err == -ENOENT || err == -EBUSY);
		ours += err == 1;
	}
	km_fire_stop(&fire);
	close(links[0]);
	close(links[1]);
	EXPECT_EQ(km_value(pushed, 0), km_value(popped, 0) + ours + km_info(self->map).map.used);
	close(prog);
	close(pushed);
	close(popped);
}

/* ------------------------------------------------------------------------
 * Bloom filters
 */
static int bloom(int dev, __u32 entries, __u64 hashes)
{
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_BLOOM_FILTER, .value_size = 8, .max_entries = entries,
		.map_extra = hashes,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

TEST(bloom_filters_forget_nothing)
{
	int dev = km_open(), map, prog, wrong;

	for (__u32 hashes = 0; hashes <= 15; hashes += 5) {
		map = bloom(dev, 1000, hashes);
		ASSERT_LE(0, map);
		prog = km_kprobe(dev, PUSH, map);
		ASSERT_LE(0, prog);
		for (__u64 i = 0; i < 1000; i++)
			ASSERT_EQ(0, i & 1 ? run(prog, i, 0) : put(map, i, 0));
		EXPECT_EQ(-EINVAL, run(prog, 1, BPF_NOEXIST));
		EXPECT_EQ(-EINVAL, run(prog, 1, BPF_EXIST));
		close(prog);
		prog = km_kprobe(dev, GET("bpf_map_peek_elem"), map);
		ASSERT_LE(0, prog);
		for (__u64 i = 0; i < 1000; i++) {
			__u64 value = i;

			ASSERT_EQ(i, run(prog, i, 0));
			ASSERT_EQ(0, km_elem(map, KAPSEL_MAP_LOOKUP, NULL, 0, &value, 8, 0));
		}
		wrong = 0;
		for (__u64 i = 1000; i < 11000; i++)
			wrong += run(prog, i, 0) != -ENOENT;
		/* 3 % or less by the book. */
		EXPECT_GT(1000, wrong);
		EXPECT_LT(900, km_info(map).map.used);
		close(prog);
		close(map);
	}
}

TEST(bloom_filters_refuse)
{
	int dev = km_open(), map = bloom(dev, 10, 3), queue;
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_QUEUE, .value_size = 8, .max_entries = 1, .map_extra = 1,
	};

	EXPECT_EQ(-EINVAL, bloom(dev, 10, 16));
	EXPECT_EQ(-EINVAL, bloom(dev, 10, 1ULL << 32));
	queue = km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
	EXPECT_EQ(-EINVAL, queue);
	EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_DELETE, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, take(map, KAPSEL_MAP_LOOKUP_DELETE));
	EXPECT_EQ(-EOPNOTSUPP, km_next(map, NULL, NULL, 0));
	EXPECT_EQ(-EFAULT, km_elem(map, KAPSEL_MAP_LOOKUP, NULL, 0, (void *)8, 8, 0));
}

TEST_HARNESS_MAIN
