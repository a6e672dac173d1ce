// SPDX-License-Identifier: GPL-2.0-only
/* Maps in maps: which fit, what programs find, how long it lasts */

#include <linux/kernel.h>
#include <pthread.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

static int of_maps(int dev, __u32 type, __u32 n, int inner, __u32 reserved)
{
	struct kapsel_map_create arg = {
		.map_type = type, .key_size = 4, .value_size = 4, .max_entries = n,
		.inner_map_fd = inner, .__reserved = reserved,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

static int put(int map, __u32 key, __u32 fd, __u64 flags)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &key, 4, &fd, 4, flags);
}

static int get(int map, __u32 key, __u32 *id)
{
	return km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, id, 4, 0);
}

FIXTURE(maps) {
	int dev;
	int inner;	/* array of one number */
	int outer;
};

FIXTURE_VARIANT(maps) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(maps, array) {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
};

FIXTURE_VARIANT_ADD(maps, hash) {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
};

static int numbers(int dev)
{
	return km_map(dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
}

FIXTURE_SETUP(maps)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->inner = numbers(self->dev);
	ASSERT_LE(0, self->inner);
	self->outer = of_maps(self->dev, variant->type, 2, self->inner, 0);
	ASSERT_LE(0, self->outer);
	/* What the test before has left is going. */
	ASSERT_EQ(2, km_objects_settle(self->dev, 2));
}

FIXTURE_TEARDOWN(maps)
{
}

/* Adds one to the number in the map at key 0, and returns what it was; 77: no map. */
#define COUNT								\
	"*(u64 *)(r10 - 8) = 0\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\nr2 += -8\n"						\
	"call bpf_map_lookup_elem\n"					\
	"r6 = 77\n"							\
	"if r0 == 0 goto out\n"						\
	"r1 = r0\n"							\
	"r2 = r10\nr2 += -8\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r6 = 1\n"							\
	"r6 = atomic_fetch_add((u64 *)(r0 + 0), r6)\n"			\
	"out: r0 = r6\nexit\n"

TEST_F(maps, creation)
{
	int progs = km_map(self->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0);
	int prog = km_kprobe(self->dev, "r0 = 0\nexit\n");
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		.max_entries = 1, .inner_map_fd = self->inner,
	};
	int objects = km_objects(self->dev);

	EXPECT_EQ(-EBADF, of_maps(self->dev, variant->type, 1, 1000, 0));
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 1, prog, 0));
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 1, self->dev, 0));
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 1, self->inner, 1));
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 0, self->inner, 0));
	/* One level, and no programs. */
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 1, self->outer, 0));
	EXPECT_EQ(-EINVAL, of_maps(self->dev, variant->type, 1, progs, 0));
	EXPECT_EQ(-ENOMEM, of_maps(self->dev, variant->type, 0x80000000, self->inner, 0));
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg));
	EXPECT_EQ(objects, km_objects(self->dev));
}

TEST_F(maps, only_what_is_like_the_example)
{
	const struct {
		__u32 type, key, value, n, flags;
	} others[] = {
		{ BPF_MAP_TYPE_HASH, 4, 8, 1, 0 },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0 },
		{ BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0 },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0 },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG },
		{ BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		int map = km_map(self->dev, others[i].type, others[i].key, others[i].value,
				 others[i].n, others[i].flags);

		ASSERT_LE(0, map);
		EXPECT_EQ(-EINVAL, put(self->outer, 0, map, 0)) TH_LOG("%zu", i);
		close(map);
	}
	EXPECT_EQ(-EINVAL, put(self->outer, 0, self->outer, 0));
	EXPECT_EQ(-EBADF, put(self->outer, 0, 1000, 0));
	EXPECT_EQ(0, put(self->outer, 0, self->inner, 0));
}

TEST_F(maps, ids_are_read)
{
	__u32 keys[4], ids[4] = {}, id, next, key;
	struct kapsel_map_batch arg = {
		.op = KAPSEL_BATCH_LOOKUP, .keys = km_ptr(keys), .values = km_ptr(ids),
		.count = 4, .key_size = 4, .value_size = 4,
	};
	int other = numbers(self->dev);

	EXPECT_EQ(-ENOENT, get(self->outer, 1, &id));
	EXPECT_EQ(0, km_info(self->outer).map.used);
	ASSERT_EQ(0, put(self->outer, 1, other, 0));
	ASSERT_EQ(0, get(self->outer, 1, &id));
	EXPECT_EQ(km_info(other).id, id);
	ASSERT_EQ(0, put(self->outer, 0, self->inner, 0));
	EXPECT_EQ(2, km_info(self->outer).map.used);
	ASSERT_EQ(0, km_ioctl(self->outer, KAPSEL_MAP_BATCH, &arg));
	EXPECT_EQ(2, arg.count);
	EXPECT_EQ(1, arg.done);
	EXPECT_EQ(km_info(self->inner).id + km_info(other).id, ids[0] + ids[1]);
	EXPECT_EQ(0, km_next(self->outer, NULL, &key, 4));
	EXPECT_EQ(0, km_next(self->outer, &key, &next, 4));
	EXPECT_EQ(1, key + next);
	EXPECT_EQ(-ENOENT, km_next(self->outer, &next, &next, 4));
	EXPECT_EQ(0, km_del(self->outer, 1));
	EXPECT_EQ(-ENOENT, km_del(self->outer, 1));
	EXPECT_EQ(-ENOENT, get(self->outer, 1, &id));
	EXPECT_EQ(1, km_info(self->outer).map.used);
}

TEST_F(maps, programs_find_what_is_there_now)
{
	int prog = km_kprobe(self->dev, COUNT, self->outer), other = numbers(self->dev);

	ASSERT_LE(0, prog);
	EXPECT_EQ(77, km_call(prog));
	ASSERT_EQ(0, put(self->outer, 0, self->inner, 0));
	EXPECT_EQ(0, km_call(prog));
	EXPECT_EQ(1, km_call(prog));
	EXPECT_EQ(2, km_value(self->inner, 0));
	ASSERT_EQ(0, put(self->outer, 0, other, 0));
	EXPECT_EQ(0, km_call(prog));
	EXPECT_EQ(1, km_value(other, 0));
	EXPECT_EQ(2, km_value(self->inner, 0));
	ASSERT_EQ(0, km_del(self->outer, 0));
	EXPECT_EQ(77, km_call(prog));
}

TEST_F(maps, both_engines)
{
	struct kapsel_prog_load arg = { .engine = KAPSEL_ENGINE_INTERP };
	char text[1000];
	int prog;

	snprintf(text, sizeof(text), COUNT, self->outer);
	prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
	ASSERT_LE(0, prog);
	ASSERT_EQ(0, put(self->outer, 0, self->inner, 0));
	EXPECT_EQ(0, km_call(prog));
	EXPECT_EQ(1, km_call(prog));
}

TEST_F(maps, outer_holds_inner)
{
	int prog = km_kprobe(self->dev, COUNT, self->outer), other = numbers(self->dev), again;
	__u32 id = km_info(other).id;

	ASSERT_EQ(0, put(self->outer, 0, other, 0));
	close(other);
	EXPECT_EQ(0, km_call(prog));
	again = km_fd_by_id(self->dev, KAPSEL_OBJ_MAP, id);
	ASSERT_LE(0, again);
	EXPECT_EQ(1, km_value(again, 0));
	close(again);
	EXPECT_EQ(4, km_objects(self->dev));
	close(self->outer);
	close(prog);
	/* Program, outer and inner, one after the other. */
	EXPECT_EQ(1, km_objects_settle(self->dev, 1));
}

#define ROUNDS 400

struct race {
	int prog;
	bool done;
	__u64 bad;
};

static void *run_it(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->done, __ATOMIC_RELAXED)) {
		struct kapsel_test_run run = { .repeat = 200 };

		race->bad += !!km_ioctl(race->prog, KAPSEL_PROG_TEST_RUN, &run);
	}
	return NULL;
}

/* Maps come and go while programs write to them on the other CPU. */
TEST_F(maps, replaced_while_it_is_used)
{
	struct race race = { .prog = km_kprobe(self->dev, COUNT, self->outer) };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, run_it, &race));
	for (int i = 0; i < ROUNDS; i++) {
		int map = numbers(self->dev);

		ASSERT_LE(0, map);
		EXPECT_EQ(0, put(self->outer, 0, map, 0));
		close(map);
		if (i % 3 == 0)
			EXPECT_EQ(0, km_del(self->outer, 0));
	}
	__atomic_store_n(&race.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, race.bad);
	km_del(self->outer, 0);
	EXPECT_EQ(3, km_objects_settle(self->dev, 3));
}

FIXTURE(hash) {
	int dev;
	int inner;
	int outer;
};

FIXTURE_SETUP(hash)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->inner = numbers(self->dev);
	self->outer = of_maps(self->dev, BPF_MAP_TYPE_HASH_OF_MAPS, 2, self->inner, 0);
	ASSERT_LE(0, self->outer);
}

FIXTURE_TEARDOWN(hash)
{
}

TEST_F(hash, flags_and_room)
{
	EXPECT_EQ(-ENOENT, put(self->outer, 1000, self->inner, BPF_EXIST));
	EXPECT_EQ(0, put(self->outer, 1000, self->inner, BPF_NOEXIST));
	EXPECT_EQ(-EEXIST, put(self->outer, 1000, self->inner, BPF_NOEXIST));
	EXPECT_EQ(0, put(self->outer, 1000, self->inner, BPF_EXIST));
	EXPECT_EQ(0, put(self->outer, 2000, self->inner, BPF_ANY));
	EXPECT_EQ(-E2BIG, put(self->outer, 3000, self->inner, BPF_ANY));
	EXPECT_EQ(0, km_del(self->outer, 1000));
	EXPECT_EQ(0, put(self->outer, 3000, self->inner, BPF_ANY));
	EXPECT_EQ(2, km_info(self->outer).map.used);
}

static void *churn(void *arg)
{
	const struct _test_data_hash *self = arg;

	for (__u32 i = 0; i < ROUNDS * 5; i++) {
		put(self->outer, i % 7, self->inner, i % 3);
		km_del(self->outer, (i + 3) % 7);
	}
	return NULL;
}

TEST_F(hash, what_is_refused_is_given_back)
{
	int other = numbers(self->dev);

	EXPECT_EQ(-ENOENT, put(self->outer, 1000, other, BPF_EXIST));
	EXPECT_EQ(0, put(self->outer, 1000, self->inner, BPF_NOEXIST));
	EXPECT_EQ(-EEXIST, put(self->outer, 1000, other, BPF_NOEXIST));
	EXPECT_EQ(0, put(self->outer, 2000, self->inner, BPF_ANY));
	EXPECT_EQ(-E2BIG, put(self->outer, 3000, other, BPF_ANY));
	close(other);
	EXPECT_EQ(2, km_objects_settle(self->dev, 2));
}

TEST_F(hash, several_writers)
{
	pthread_t threads[3];
	__u32 key, id;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, self));
	for (int i = 0; i < ROUNDS; i++)
		if (!km_next(self->outer, NULL, &key, 4))
			get(self->outer, key, &id);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	for (key = 0; key < 7; key++)
		km_del(self->outer, key);
	EXPECT_EQ(0, km_info(self->outer).map.used);
	EXPECT_EQ(-ENOENT, km_next(self->outer, NULL, &key, 4));
}

TEST_HARNESS_MAIN
