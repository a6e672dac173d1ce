// SPDX-License-Identifier: GPL-2.0-only
/* Maps: creating them, and what all types and each type owe */

#include <linux/kernel.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

/* ------------------------------------------------------------------------
 * Creating: every row of the types' table with every absurd size
 */
FIXTURE(create) {
	int dev;
};

FIXTURE_SETUP(create)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
}

FIXTURE_TEARDOWN(create)
{
	/* Programs let go of their maps a moment later. */
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static const __u32 sizes[] = {
	0, 1, 4, 9, 4096, 32769, 1 << 22, INT32_MAX - 7, INT32_MAX,
	(__u32)INT32_MAX + 1, UINT32_MAX - 7, UINT32_MAX,
};

static bool fine_refusal(int err)
{
	return err == -EINVAL || err == -E2BIG || err == -ENOMEM;
}

/* Memory that would really be had is not asked for: the VM has little. */
static bool too_much(__u64 key, __u64 value, __u64 entries)
{
	__u64 bytes = (key + value + 64) * entries;

	return bytes > 16 << 20 && bytes < 1ULL << 44;
}

static int create(int dev, const struct kps_map_type *type, __u32 key, __u32 value,
		  __u32 entries)
{
	int fd = km_map(dev, type->type, key, value, entries,
			type->type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

TEST_F_TIMEOUT(create, absurd_sizes_are_refused_or_work, 300)
{
	for (__u32 t = 0; t < kps_nr_map_types; t++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			for (size_t v = 0; v < ARRAY_SIZE(sizes); v++)
				for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
					int ret;

					if (too_much(sizes[k], sizes[v], sizes[n]))
						continue;
					ret = create(self->dev, &kps_map_types[t], sizes[k],
						     sizes[v], sizes[n]);
					ASSERT_TRUE(ret >= 0 || fine_refusal(ret)) {
						TH_LOG("%s %u %u %u: %d", kps_map_types[t].name,
						       sizes[k], sizes[v], sizes[n], ret);
					}
				}
}

/* It fails for the one who asks, and nobody else dies of it. */
TEST_F_TIMEOUT(create, more_than_there_is_memory, 120)
{
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_PERCPU_HASH, 4, 32768, 1 << 17, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 32768, 1 << 17, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 1 << 20, 1 << 12, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 1 << 20, 1 << 12, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, 1U << 31, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 32768, 1 << 17, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_LRU_HASH, 4, 1 << 20, 1 << 12, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_STACK_TRACE, 4, 1016, 1 << 23, 0));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_LPM_TRIE, 260, 1 << 20, 1 << 12,
				  BPF_F_NO_PREALLOC));
	EXPECT_EQ(-ENOMEM, km_map(self->dev, BPF_MAP_TYPE_QUEUE, 0, 1 << 20, 1 << 13, 0));
}

TEST_F(create, unknown_types)
{
	for (__u32 type = 0; type < 64; type++) {
		int fd = km_map(self->dev, type, 4, 4, 4096, 0);

		if (!kps_map_type_find(type))
			EXPECT_EQ(-EINVAL, fd);
		close(fd);
	}
}

/* Sizes that a type takes. */
static __u32 key_of(const struct kps_map_type *type)
{
	if (type->ops & (KAPSEL_MAP_OP_RINGBUF | KAPSEL_MAP_OP_DRAIN | KAPSEL_MAP_OP_PUSH))
		return 0;
	return type->ops & KAPSEL_MAP_OP_LOCAL || type->type == BPF_MAP_TYPE_LPM_TRIE ? 8 : 4;
}

static __u32 value_of(const struct kps_map_type *type)
{
	if (type->ops & (KAPSEL_MAP_OP_RINGBUF | KAPSEL_MAP_OP_DRAIN))
		return 0;
	return type->ops & (KAPSEL_MAP_OP_ELEM | KAPSEL_MAP_OP_STACK) ? 8 : 4;
}

/* A flag that the type's row does not name is refused, one that it names is not. */
TEST_F(create, flags_are_those_of_the_row)
{
	int inner = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	for (__u32 t = 0; t < kps_nr_map_types; t++) {
		const struct kps_map_type *type = &kps_map_types[t];
		bool trie = type->type == BPF_MAP_TYPE_LPM_TRIE;

		for (int bit = 0; bit < 32; bit++) {
			struct kapsel_map_create arg = {
				.map_type = type->type, .key_size = key_of(type),
				.value_size = value_of(type),
				.max_entries = type->ops & KAPSEL_MAP_OP_LOCAL ? 0 : 4096,
				.map_flags = 1U << bit | (trie ? BPF_F_NO_PREALLOC : 0),
				.inner_map_fd = type->ops & KAPSEL_MAP_OP_MAPS ? inner : 0,
			};
			int fd = km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg);

			EXPECT_EQ(!(type->flags & 1U << bit), fd == -EINVAL) {
				TH_LOG("%s bit %d: %d", type->name, bit, fd);
			}
			EXPECT_TRUE(fd >= 0 || fd == -EINVAL);
			close(fd);
		}
	}
	close(inner);
}

TEST_F(create, ring_buffer_sizes)
{
	static const __u32 bad[] = { 0, 1, 2048, 4095, 4097, 12288, UINT32_MAX };
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, bad[i], 0));
	for (__u32 size = 4096; size <= 1 << 20; size *= 2) {
		fd = km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, size, 0);
		EXPECT_LE(0, fd);
		close(fd);
	}
	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 4, 0, 4096, 0));
	EXPECT_EQ(-EINVAL, km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 4, 4096, 0));
}

/* The description comes back byte for byte, cut to the room there is. */
TEST_F(create, type_description_is_kept)
{
	static unsigned char btf[KAPSEL_MAX_BTF], back[KAPSEL_MAX_BTF];
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 1, .btf_key_type_id = 7, .btf_value_type_id = 9,
		.btf = km_ptr(btf), .btf_size = sizeof(btf), .name = "described",
	};
	struct kapsel_obj_info info = {};
	int fd;

	for (size_t i = 0; i < sizeof(btf); i++)
		btf[i] = i * 7 >> 3;
	fd = km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg);
	ASSERT_LE(0, fd);
	info.map.btf = km_ptr(back);
	info.map.btf_size = 100;
	ASSERT_EQ(0, km_ioctl(fd, KAPSEL_OBJ_INFO, &info));
	EXPECT_STREQ("described", info.name);
	EXPECT_EQ(7, info.map.btf_key_type_id);
	EXPECT_EQ(9, info.map.btf_value_type_id);
	EXPECT_EQ(sizeof(btf), info.map.btf_size);
	EXPECT_EQ(0, memcmp(btf, back, 100));
	EXPECT_EQ(0, back[100]);
	ASSERT_EQ(0, km_ioctl(fd, KAPSEL_OBJ_INFO, &info));
	EXPECT_EQ(0, memcmp(btf, back, sizeof(btf)));
	info.map.btf = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(fd, KAPSEL_OBJ_INFO, &info));
	close(fd);

	arg.btf_size++;
	EXPECT_EQ(-E2BIG, km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg));
	arg.btf_size = 0;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg));
	arg.btf_size = 16;
	arg.btf = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg));
}

/* ------------------------------------------------------------------------
 * Elements: every type that has them, with 4-byte keys
 */
#define ENTRIES 4

FIXTURE(elem) {
	int dev;
	int map;
	__u32 cpus;
	__u32 size;		/* of a value as ioctls have it */
	__u64 value[256];
	bool array;
};

FIXTURE_VARIANT(elem) {
	__u32 type;
};

FIXTURE_VARIANT_ADD(elem, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(elem, array) { BPF_MAP_TYPE_ARRAY };
FIXTURE_VARIANT_ADD(elem, percpu_hash) { BPF_MAP_TYPE_PERCPU_HASH };
FIXTURE_VARIANT_ADD(elem, percpu_array) { BPF_MAP_TYPE_PERCPU_ARRAY };

FIXTURE_SETUP(elem)
{
	const struct kps_map_type *type = kps_map_type_find(variant->type);
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = type->ops & KAPSEL_MAP_OP_PERCPU ? abi.cpus : 1;
	self->size = self->cpus * 8;
	self->array = !(type->ops & KAPSEL_MAP_OP_DELETE);
	self->map = km_map(self->dev, variant->type, 4, 8, ENTRIES, 0);
	ASSERT_LE(0, self->map);
	for (__u32 i = 0; i < self->cpus; i++)
		self->value[i] = 1000 + i;
}

FIXTURE_TEARDOWN(elem)
{
	close(self->map);
	/* Programs let go of their maps a moment later. */
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

#define elem(cmd, key, flags) ({					\
	__u32 _key = key;						\
									\
	km_elem(self->map, cmd, &_key, 4, self->value, self->size, flags); \
})
#define get(key)	elem(KAPSEL_MAP_LOOKUP, key, 0)
#define take(key)	elem(KAPSEL_MAP_LOOKUP_DELETE, key, 0)
#define set(key, flags)	elem(KAPSEL_MAP_UPDATE, key, flags)
#define del(key) ({							\
	__u32 _key = key;						\
									\
	km_elem(self->map, KAPSEL_MAP_DELETE, &_key, 4, NULL, 0, 0);	\
})

TEST_F(elem, update_flags)
{
	ASSERT_EQ(self->array ? 0 : -ENOENT, set(1, BPF_EXIST));
	ASSERT_EQ(self->array ? -EEXIST : 0, set(1, BPF_NOEXIST));
	EXPECT_EQ(0, set(1, BPF_EXIST));
	EXPECT_EQ(-EEXIST, set(1, BPF_NOEXIST));
	EXPECT_EQ(0, set(1, BPF_ANY));
	EXPECT_EQ(-EINVAL, set(1, BPF_F_LOCK));
}

TEST_F(elem, values_come_back_whole)
{
	ASSERT_EQ(0, set(2, BPF_ANY));
	memset(self->value, 0xff, sizeof(self->value));
	ASSERT_EQ(0, get(2));
	for (__u32 i = 0; i < self->cpus; i++)
		EXPECT_EQ(1000 + i, self->value[i]);
	EXPECT_EQ(-1ULL, self->value[self->cpus]);
}

TEST_F(elem, arrays_begin_as_zeros_and_hashes_empty)
{
	EXPECT_EQ(self->array ? 0 : -ENOENT, get(0));
	for (__u32 i = 0; i < self->cpus && self->array; i++)
		EXPECT_EQ(0, self->value[i]);
	EXPECT_EQ(-ENOENT, get(ENTRIES));
	EXPECT_EQ(self->array ? ENTRIES : 0, km_info(self->map).map.used);
}

#define STORE								\
	"*(u32 *)(r10 - 4) = %u\n"					\
	"*(u64 *)(r10 - 16) = 5\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r3 = r10\n"							\
	"r3 += -16\n"							\
	"r4 = 0\n"							\
	"call bpf_map_update_elem\n"					\
	"exit\n"

/* A program stores its own CPU's value: in an element that is new the others' are 0. */
TEST_F(elem, new_ones_hold_nothing_of_removed_ones)
{
	__u64 sum;
	int prog;

	for (__u32 i = 0; i < ENTRIES && !self->array; i++)
		ASSERT_EQ(0, set(i, BPF_ANY));
	for (__u32 i = 0; i < ENTRIES && !self->array; i++)
		ASSERT_EQ(0, del(i));
	for (__u32 i = 0; i < ENTRIES; i++) {
		prog = km_kprobe(self->dev, STORE, i, self->map);
		ASSERT_EQ(0, km_call(prog));
		close(prog);
		ASSERT_EQ(0, get(i));
		sum = 0;
		for (__u32 cpu = 0; cpu < self->cpus; cpu++)
			sum += self->value[cpu];
		EXPECT_EQ(5, sum);
	}
}

TEST_F(elem, full_is_too_big_and_counted)
{
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(i, BPF_ANY));
	EXPECT_EQ(-E2BIG, set(ENTRIES, BPF_ANY));
	EXPECT_EQ(-E2BIG, set(UINT32_MAX, BPF_ANY));
	EXPECT_EQ(self->array ? 0 : 2, km_info(self->map).map.lost);
	EXPECT_EQ(ENTRIES, km_info(self->map).map.used);
	/* What is there can be replaced all the same. */
	EXPECT_EQ(0, set(0, BPF_ANY));
	if (self->array)
		return;
	ASSERT_EQ(0, del(0));
	EXPECT_EQ(0, set(ENTRIES, BPF_ANY));
}

TEST_F(elem, delete)
{
	EXPECT_EQ(self->array ? -EINVAL : -ENOENT, del(3));
	ASSERT_EQ(0, set(3, BPF_ANY));
	EXPECT_EQ(self->array ? -EINVAL : 0, del(3));
	EXPECT_EQ(self->array ? 0 : -ENOENT, get(3));
}

TEST_F(elem, lookup_and_delete)
{
	ASSERT_EQ(0, set(3, BPF_ANY));
	memset(self->value, 0, sizeof(self->value));
	if (self->array) {
		EXPECT_EQ(-EOPNOTSUPP, take(3));
		return;
	}
	ASSERT_EQ(0, take(3));
	for (__u32 i = 0; i < self->cpus; i++)
		EXPECT_EQ(1000 + i, self->value[i]);
	EXPECT_EQ(-ENOENT, get(3));
	EXPECT_EQ(-ENOENT, take(3));
}

TEST_F(elem, sizes_are_the_maps)
{
	static const unsigned long cmds[] = {
		KAPSEL_MAP_LOOKUP, KAPSEL_MAP_UPDATE, KAPSEL_MAP_DELETE,
		KAPSEL_MAP_LOOKUP_DELETE,
	};
	__u64 key = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		bool none = self->array && cmds[i] == KAPSEL_MAP_LOOKUP_DELETE;
		int invalid = none ? -EOPNOTSUPP : -EINVAL;

		for (__u32 size = 0; size <= 8; size++) {
			if (size == 4)
				continue;
			EXPECT_EQ(invalid, km_elem(self->map, cmds[i], &key, size,
						   self->value, self->size, 0));
		}
		if (cmds[i] == KAPSEL_MAP_DELETE)
			continue;
		EXPECT_EQ(invalid, km_elem(self->map, cmds[i], &key, 4, self->value,
					   self->size - 1, 0));
		EXPECT_EQ(invalid, km_elem(self->map, cmds[i], &key, 4, self->value,
					   self->size + 1, 0));
		EXPECT_EQ(invalid, km_elem(self->map, cmds[i], &key, 4, self->value,
					   0, 0));
	}
	EXPECT_EQ(-EINVAL, km_next(self->map, NULL, &key, 3));
}

TEST_F(elem, bad_pointers_fault_and_change_nothing)
{
	__u32 key = 1;

	ASSERT_EQ(0, set(1, BPF_ANY));
	EXPECT_EQ(-EFAULT, km_elem(self->map, KAPSEL_MAP_LOOKUP, (void *)8, 4,
				   self->value, self->size, 0));
	EXPECT_EQ(-EFAULT, km_elem(self->map, KAPSEL_MAP_LOOKUP, &key, 4, (void *)8,
				   self->size, 0));
	EXPECT_EQ(-EFAULT, km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 4, (void *)8,
				   self->size, 0));
	EXPECT_EQ(-EFAULT, km_next(self->map, (void *)8, &key, 4));
	EXPECT_EQ(-EFAULT, km_next(self->map, NULL, (void *)8, 4));
	ASSERT_EQ(0, get(1));
	EXPECT_EQ(1000, self->value[0]);
}

TEST_F(elem, next_key_visits_all)
{
	unsigned int seen = 0;
	__u32 key = 77, next;
	int n = 0;

	EXPECT_EQ(self->array ? 0 : -ENOENT, km_next(self->map, NULL, &next, 4));
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(i, BPF_ANY));
	/* A key that is not there begins at the first. */
	while (!km_next(self->map, &key, &next, 4)) {
		ASSERT_GT(ENTRIES, next);
		ASSERT_GE(ENTRIES, ++n);
		seen |= 1 << next;
		key = next;
	}
	EXPECT_EQ((1 << ENTRIES) - 1, seen);
	ASSERT_EQ(0, km_next(self->map, NULL, &key, 4));
	next = 77;
	ASSERT_EQ(0, km_next(self->map, &next, &next, 4));
	EXPECT_EQ(key, next);
}

TEST_F(elem, frozen_is_read_only_for_userspace)
{
	struct kapsel_map_batch batch = {
		.op = KAPSEL_BATCH_DELETE, .count = 1, .keys = km_ptr(self->value),
		.key_size = 4,
	};

	ASSERT_EQ(0, set(1, BPF_ANY));
	EXPECT_EQ(0, km_info(self->map).map.frozen);
	ASSERT_EQ(0, km_flags(self->map, KAPSEL_MAP_FREEZE));
	EXPECT_EQ(1, km_info(self->map).map.frozen);
	EXPECT_EQ(0, get(1));
	EXPECT_EQ(-EPERM, set(1, BPF_ANY));
	EXPECT_EQ(-EPERM, del(1));
	EXPECT_EQ(self->array ? -EOPNOTSUPP : -EPERM, take(1));
	EXPECT_EQ(-EPERM, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(0, batch.count);
	EXPECT_EQ(-EBUSY, km_flags(self->map, KAPSEL_MAP_FREEZE));
	EXPECT_EQ(0, get(1));
}

/* What a program writes is this CPU's; the caller sees every CPU's. */
TEST_F(elem, programs_see_and_write_their_own_cpus)
{
	int prog = km_kprobe(self->dev,
			     "*(u32 *)(r10 - 4) = 1\n"
			     "r2 = r10\n"
			     "r2 += -4\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_lookup_elem\n"
			     "if r0 == 0 goto out\n"
			     "r1 = 5\n"
			     "lock *(u64 *)(r0 + 0) += r1\n"
			     "r0 = *(u64 *)(r0 + 0)\n"
			     "out:\n"
			     "exit\n", self->map);
	__u64 seen, sum = 0, wanted = 0;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, set(1, BPF_ANY));
	seen = km_call(prog);
	EXPECT_LE(1005, seen);
	EXPECT_GT(1005 + self->cpus, seen);
	ASSERT_EQ(0, get(1));
	for (__u32 i = 0; i < self->cpus; i++) {
		sum += self->value[i];
		wanted += 1000 + i;
	}
	EXPECT_EQ(wanted + 5, sum);
	close(prog);
}

/* A program's new element of a per-CPU hash is zero for the other CPUs. */
TEST_F(elem, programs_follow_the_same_rules)
{
	/* update(map, &ctx->di as key, &value, ctx->si as flags) */
	int prog = km_kprobe(self->dev,
			     "r2 = *(u64 *)(r1 + 112)\n"
			     "r4 = *(u64 *)(r1 + 104)\n"
			     "*(u32 *)(r10 - 4) = r2\n"
			     "*(u64 *)(r10 - 16) = 7\n"
			     "r2 = r10\n"
			     "r2 += -4\n"
			     "r3 = r10\n"
			     "r3 += -16\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_update_elem\n"
			     "exit\n", self->map);
	const struct { __u64 key, flags; long hash, array; } rules[] = {
		{ 0, BPF_EXIST, -ENOENT, 0 },
		{ 0, BPF_NOEXIST, 0, -EEXIST },
		{ 0, BPF_NOEXIST, -EEXIST, -EEXIST },
		{ 0, 3, -EINVAL, -EINVAL },
		{ 0, 1ULL << 32, -EINVAL, -EINVAL },
		{ 1, BPF_ANY, 0, 0 }, { 2, BPF_ANY, 0, 0 }, { 3, BPF_ANY, 0, 0 },
		{ 4, BPF_ANY, -E2BIG, -E2BIG },
		{ 4, BPF_EXIST, -ENOENT, -E2BIG },
	};
	__u64 regs[21] = {}, ret, sum = 0;
	long wanted;

	ASSERT_LE(0, prog);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		regs[14] = rules[i].key;
		regs[13] = rules[i].flags;
		ASSERT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
		wanted = self->array ? rules[i].array : rules[i].hash;
		EXPECT_EQ(wanted, (long)ret) {
			TH_LOG("case %zu", i);
		}
	}
	ASSERT_EQ(0, get(3));
	for (__u32 i = 0; i < self->cpus; i++)
		sum += self->value[i];
	EXPECT_EQ(7, sum);
	close(prog);
}

/* ------------------------------------------------------------------------
 * A ring buffer has no elements
 */
TEST(ring_buffers_have_no_elements)
{
	struct kapsel_map_batch batch = { .op = KAPSEL_BATCH_LOOKUP, .count = 1 };
	int dev = km_open(), map = km_map(dev, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);

	ASSERT_LE(0, map);
	EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_LOOKUP, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_UPDATE, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_DELETE, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_LOOKUP_DELETE, NULL, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_next(map, NULL, NULL, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_ioctl(map, KAPSEL_MAP_BATCH, &batch));
	batch.op = KAPSEL_BATCH_DELETE;
	EXPECT_EQ(-EOPNOTSUPP, km_ioctl(map, KAPSEL_MAP_BATCH, &batch));
}

/* ------------------------------------------------------------------------
 * Arrays in the caller's memory
 */
FIXTURE(mmap) {
	int dev;
	int map;
	long page;
};

FIXTURE_SETUP(mmap)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->page = sysconf(_SC_PAGESIZE);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1024, BPF_F_MMAPABLE);
	ASSERT_LE(0, self->map);
}

FIXTURE_TEARDOWN(mmap)
{
}

static void *map_at(int fd, int prot, int flags, long size, long at)
{
	void *mem = mmap(NULL, size, prot, flags, fd, at);

	return mem == MAP_FAILED ? (void *)(long)-errno : mem;
}

#define failed(mem) ((unsigned long)(mem) > -4096UL)

TEST_F(mmap, memory_and_elements_are_the_same)
{
	__u64 *mem = map_at(self->map, PROT_READ | PROT_WRITE, MAP_SHARED,
			    2 * self->page, 0);

	ASSERT_FALSE(failed(mem));
	for (__u32 i = 0; i < 1024; i++) {
		ASSERT_EQ(0, mem[i]);
		ASSERT_EQ(0, km_set(self->map, i, i * 3, BPF_ANY));
		ASSERT_EQ(i * 3, mem[i]);
		mem[i] = i * 5;
		ASSERT_EQ(i * 5, km_value(self->map, i));
	}
}

TEST_F(mmap, lives_longer_than_the_fd)
{
	__u64 *mem = map_at(self->map, PROT_READ | PROT_WRITE, MAP_SHARED, self->page, 0);

	ASSERT_FALSE(failed(mem));
	close(self->map);
	mem[7] = 7;
	EXPECT_EQ(7, mem[7]);
	EXPECT_EQ(1, km_objects(self->dev));
	ASSERT_EQ(0, munmap(mem, self->page));
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

TEST_F(mmap, rules)
{
	int plain = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	int hash = km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	const int rw = PROT_READ | PROT_WRITE;

	EXPECT_EQ(-EINVAL, (long)map_at(self->map, rw, MAP_PRIVATE, self->page, 0));
	EXPECT_EQ(-EPERM, (long)map_at(self->map, PROT_READ | PROT_EXEC, MAP_SHARED,
				       self->page, 0));
	EXPECT_EQ(-EINVAL, (long)map_at(self->map, rw, MAP_SHARED, 3 * self->page, 0));
	EXPECT_EQ(-EINVAL, (long)map_at(self->map, rw, MAP_SHARED, self->page,
					2 * self->page));
	EXPECT_EQ(-EINVAL, (long)map_at(plain, rw, MAP_SHARED, self->page, 0));
	EXPECT_EQ(-ENODEV, (long)map_at(hash, rw, MAP_SHARED, self->page, 0));
}

TEST_F(mmap, writable_mappings_and_freezing_exclude_each_other)
{
	void *mem = map_at(self->map, PROT_READ | PROT_WRITE, MAP_SHARED, self->page, 0);

	ASSERT_FALSE(failed(mem));
	EXPECT_EQ(-EBUSY, km_flags(self->map, KAPSEL_MAP_FREEZE));
	ASSERT_EQ(0, mprotect(mem, self->page, PROT_READ));
	/* It might become writable again. */
	EXPECT_EQ(-EBUSY, km_flags(self->map, KAPSEL_MAP_FREEZE));
	ASSERT_EQ(0, munmap(mem, self->page));
	ASSERT_EQ(0, km_flags(self->map, KAPSEL_MAP_FREEZE));
	EXPECT_EQ(-EPERM, (long)map_at(self->map, PROT_READ | PROT_WRITE, MAP_SHARED,
				       self->page, 0));
	mem = map_at(self->map, PROT_READ, MAP_SHARED, self->page, 0);
	ASSERT_FALSE(failed(mem));
	EXPECT_EQ(-1, mprotect(mem, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(mem, self->page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

/* A child's copy of the mapping counts, and a part of it does. */
TEST_F(mmap, writable_parts_count)
{
	char *mem = map_at(self->map, PROT_READ | PROT_WRITE, MAP_SHARED,
			   2 * self->page, 0);

	ASSERT_FALSE(failed(mem));
	ASSERT_EQ(0, munmap(mem, self->page));
	EXPECT_EQ(-EBUSY, km_flags(self->map, KAPSEL_MAP_FREEZE));
	ASSERT_EQ(0, munmap(mem + self->page, self->page));
	EXPECT_EQ(0, km_flags(self->map, KAPSEL_MAP_FREEZE));
}

TEST_HARNESS_MAIN
