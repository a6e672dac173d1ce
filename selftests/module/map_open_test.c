// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps opened for reading or for writing only: what each descriptor may do, and that
 * the kernel's own maps answer the same, where there is bpf(2)
 */

#include <linux/kernel.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

#define READ	1
#define WRITE	2

/* The flags of a descriptor, and what it is for. */
static const struct mode {
	__u32 flags;
	int rights;
} modes[] = {
	{ 0, READ | WRITE }, { BPF_F_RDONLY, READ }, { BPF_F_WRONLY, WRITE },
};

static const struct op {
	const char *name;
	unsigned long ours;
	int theirs;
	int needs;
} ops[] = {
	{ "update", KAPSEL_MAP_UPDATE, BPF_MAP_UPDATE_ELEM, WRITE },
	{ "lookup", KAPSEL_MAP_LOOKUP, BPF_MAP_LOOKUP_ELEM, READ },
	{ "next key", KAPSEL_MAP_NEXT_KEY, BPF_MAP_GET_NEXT_KEY, READ },
	{ "take", KAPSEL_MAP_LOOKUP_DELETE, BPF_MAP_LOOKUP_AND_DELETE_ELEM, READ | WRITE },
	{ "delete", KAPSEL_MAP_DELETE, BPF_MAP_DELETE_ELEM, WRITE },
};

static const struct {
	__u32 op;
	int theirs;
	int needs;
} batches[] = {
	{ KAPSEL_BATCH_UPDATE, BPF_MAP_UPDATE_BATCH, WRITE },
	{ KAPSEL_BATCH_LOOKUP, BPF_MAP_LOOKUP_BATCH, READ },
	{ KAPSEL_BATCH_LOOKUP_DELETE, BPF_MAP_LOOKUP_AND_DELETE_BATCH, READ | WRITE },
	{ KAPSEL_BATCH_DELETE, BPF_MAP_DELETE_BATCH, WRITE },
};

FIXTURE(opened) {
	int dev;
	bool bpf;
};

FIXTURE_VARIANT(opened) {
	__u32 type;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(opened, hash) { BPF_MAP_TYPE_HASH };
FIXTURE_VARIANT_ADD(opened, array) { BPF_MAP_TYPE_ARRAY };
FIXTURE_VARIANT_ADD(opened, lru) { BPF_MAP_TYPE_LRU_HASH };
FIXTURE_VARIANT_ADD(opened, mmapable) { BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE };

FIXTURE_SETUP(opened)
{
	int theirs = km_bpf_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->bpf = theirs >= 0;
	close(theirs);
}

FIXTURE_TEARDOWN(opened)
{
}

static int fd_by_id(int dev, int map, __u32 flags)
{
	struct kapsel_fd_by_id arg = {
		.kind = KAPSEL_OBJ_MAP, .id = km_info(map).id, .flags = flags,
	};

	return km_ioctl(dev, KAPSEL_FD_BY_ID, &arg);
}

static int bpf_fd_by_id(int map, __u32 flags)
{
	struct bpf_map_info info = {};
	union bpf_attr ask = {
		.info.bpf_fd = map, .info.info_len = sizeof(info),
		.info.info = (unsigned long)&info,
	};
	union bpf_attr open = { .open_flags = flags };

	if (km_bpf(BPF_OBJ_GET_INFO_BY_FD, &ask))
		return -errno;
	open.map_id = info.id;
	return km_bpf(BPF_MAP_GET_FD_BY_ID, &open);
}

static int our_op(int map, const struct op *op, __u64 *value)
{
	__u32 key = 1, next;

	if (op->ours == KAPSEL_MAP_NEXT_KEY)
		return km_next(map, NULL, &next, 4);
	return km_elem(map, op->ours, &key, 4, value, op->ours == KAPSEL_MAP_DELETE ? 0 : 8, 0);
}

static int their_op(int map, const struct op *op, __u64 *value)
{
	__u32 key = 1, next;
	bool removes = op->theirs == BPF_MAP_DELETE_ELEM;

	if (op->theirs == BPF_MAP_GET_NEXT_KEY)
		return km_bpf_elem(op->theirs, map, NULL, &next, 0);
	return km_bpf_as_kapsel(km_bpf_elem(op->theirs, map, &key, removes ? NULL : value, 0));
}

/* Whatever may be wanting elsewhere, rights are not; where they are wanting, it says so. */
static void check_ops(struct __test_metadata *_metadata, struct _test_data_opened *self,
		      int ours, int theirs, int rights)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		__u64 a = 7, b = 7;
		int err = our_op(ours, &ops[i], &a);

		EXPECT_EQ((ops[i].needs & rights) != ops[i].needs, err == -EPERM) {
			TH_LOG("%s, rights %d: %d", ops[i].name, rights, err);
		}
		if (!self->bpf)
			continue;
		EXPECT_EQ(their_op(theirs, &ops[i], &b), err) {
			TH_LOG("%s, rights %d", ops[i].name, rights);
		}
		EXPECT_EQ(b, a);
	}
}

TEST_F(opened, at_creation_as_in_linux)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		__u32 flags = modes[i].flags | variant->flags;
		int ours = km_map(self->dev, variant->type, 4, 8, 4, flags);
		int theirs = self->bpf ? km_bpf_map(variant->type, 4, 8, 4, flags) : -1;

		ASSERT_LE(0, ours);
		ASSERT_EQ(self->bpf, theirs >= 0);
		check_ops(_metadata, self, ours, theirs, modes[i].rights);
		/* It is the descriptor's, not the map's. */
		EXPECT_EQ(variant->flags, km_info(ours).map.flags);
		close(ours);
		close(theirs);
	}
}

TEST_F(opened, by_id_as_in_linux)
{
	int ours = km_map(self->dev, variant->type, 4, 8, 4, variant->flags | BPF_F_RDONLY);
	int theirs = self->bpf ? km_bpf_map(variant->type, 4, 8, 4,
					    variant->flags | BPF_F_RDONLY) : -1;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int mine = fd_by_id(self->dev, ours, modes[i].flags);
		int its = self->bpf ? bpf_fd_by_id(theirs, modes[i].flags) : -1;

		ASSERT_LE(0, mine);
		check_ops(_metadata, self, mine, its, modes[i].rights);
		close(mine);
		close(its);
	}
	EXPECT_EQ(-EINVAL, fd_by_id(self->dev, ours, BPF_F_RDONLY | BPF_F_WRONLY));
	EXPECT_EQ(-EINVAL, fd_by_id(self->dev, ours, BPF_F_RDONLY_PROG));
	if (self->bpf) {
		EXPECT_EQ(-EINVAL, bpf_fd_by_id(theirs, BPF_F_RDONLY | BPF_F_WRONLY));
		EXPECT_EQ(-EINVAL, bpf_fd_by_id(theirs, BPF_F_RDONLY_PROG));
	}
}

TEST_F(opened, batches_as_in_linux)
{
	int ours = km_map(self->dev, variant->type, 4, 8, 4, variant->flags);
	int theirs = self->bpf ? km_bpf_map(variant->type, 4, 8, 4, variant->flags) : -1;

	for (size_t i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(batches); i++) {
		const struct mode *mode = &modes[i % ARRAY_SIZE(modes)];
		__u32 at = i / ARRAY_SIZE(modes), keys[4] = {}, cursor;
		__u64 values[4] = {};
		struct kapsel_map_batch arg = {
			.op = batches[at].op, .count = 1, .key_size = 4, .value_size = 8,
			.keys = km_ptr(keys), .values = km_ptr(values),
		};
		union bpf_attr attr = {
			.batch.count = 1, .batch.keys = km_ptr(keys),
			.batch.values = km_ptr(values), .batch.out_batch = km_ptr(&cursor),
		};
		int mine = fd_by_id(self->dev, ours, mode->flags), its;
		bool refused = (batches[at].needs & mode->rights) != batches[at].needs;

		EXPECT_EQ(refused, km_ioctl(mine, KAPSEL_MAP_BATCH, &arg) == -EPERM) {
			TH_LOG("batch %u, flags %u", arg.op, mode->flags);
		}
		close(mine);
		if (!self->bpf)
			continue;
		its = bpf_fd_by_id(theirs, mode->flags);
		attr.batch.map_fd = its;
		EXPECT_EQ(refused, km_bpf(batches[at].theirs, &attr) == -EPERM);
		close(its);
	}
}

/* 0, or -errno. */
static int map_it(int fd, int prot)
{
	void *mem = mmap(NULL, sysconf(_SC_PAGESIZE), prot, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	munmap(mem, sysconf(_SC_PAGESIZE));
	return 0;
}

TEST_F(opened, mappings_as_in_linux)
{
	static const int prots[] = { PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE };

	if (!variant->flags)
		SKIP(return, "not mapped");
	for (size_t i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(prots); i++) {
		const struct mode *mode = &modes[i % ARRAY_SIZE(modes)];
		int prot = prots[i / ARRAY_SIZE(modes)];
		int ours = km_map(self->dev, variant->type, 4, 8, 4, mode->flags | variant->flags);
		int theirs = self->bpf ? km_bpf_map(variant->type, 4, 8, 4,
						    mode->flags | variant->flags) : -1;
		int err = map_it(ours, prot);

		EXPECT_EQ(mode->rights == (READ | WRITE), !err);
		if (self->bpf) {
			EXPECT_EQ(map_it(theirs, prot), err) {
				TH_LOG("flags %u, prot %d", mode->flags, prot);
			}
		}
		close(ours);
		close(theirs);
	}
}

TEST_F(opened, freezing_is_writing)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int map = km_map(self->dev, variant->type, 4, 8, 4,
				 modes[i].flags | variant->flags);

		EXPECT_EQ(modes[i].rights & WRITE ? 0 : -EPERM,
			  km_flags(map, KAPSEL_MAP_FREEZE));
		close(map);
	}
}

/* ------------------------------------------------------------------------
 * What takes any descriptor, as in Linux
 */
TEST_F(opened, programs_take_any)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int map = km_map(self->dev, variant->type, 4, 8, 4,
				 modes[i].flags | variant->flags);
		int prog = km_kprobe(self->dev, "*(u32 *)(r10 - 4) = 1\n*(u64 *)(r10 - 16) = 9\n"
				     "r1 = map[fd:%d] ll\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\n"
				     "r4 = 0\ncall bpf_map_update_elem\nr0 = 0\nexit\n", map);
		int all = fd_by_id(self->dev, map, 0);

		EXPECT_EQ(0, km_call(prog));
		EXPECT_EQ(9, km_value(all, 1));
		close(all);
		close(prog);
		close(map);
	}
}

TEST_F(opened, pins_take_any_and_give_what_is_asked)
{
	int map = km_map(self->dev, variant->type, 4, 8, 4, variant->flags | BPF_F_RDONLY);
	struct kapsel_pin arg = { .flags = BPF_F_WRONLY, .name = "map_open_test" };
	__u64 value;
	int again;

	ASSERT_EQ(0, km_pin(self->dev, KAPSEL_PIN, map, "map_open_test"));
	again = km_ioctl(self->dev, KAPSEL_GET_PINNED, &arg);
	EXPECT_LE(0, again);
	EXPECT_EQ(0, km_set(again, 1, 3, 0));
	EXPECT_EQ(-EPERM, km_get(again, 1, &value));
	close(again);
	arg.flags = BPF_F_WRONLY | BPF_F_RDONLY;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_GET_PINNED, &arg));
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_UNPIN, &arg));
	/* Flags that there are not, and no such pin either. */
	strcpy(arg.name, "map_open_test2");
	arg.flags = BPF_F_RDONLY_PROG;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_GET_PINNED, &arg));
	arg.flags = 0;
	EXPECT_EQ(-ENOENT, km_ioctl(self->dev, KAPSEL_GET_PINNED, &arg));
	again = km_pin(self->dev, KAPSEL_GET_PINNED, 0, "map_open_test");
	EXPECT_EQ(3, km_value(again, 1));
	EXPECT_EQ(0, km_pin(self->dev, KAPSEL_UNPIN, 0, "map_open_test"));
}

/* Only maps are opened for less than everything. */
TEST(programs_are_opened_whole)
{
	int dev = km_open(), prog = km_kprobe(dev, "r0 = 0\nexit\n");
	struct kapsel_fd_by_id by_id = {
		.kind = KAPSEL_OBJ_PROG, .id = km_info(prog).id, .flags = BPF_F_RDONLY,
	};
	struct kapsel_pin pin = { .flags = BPF_F_RDONLY, .name = "map_open_test" };

	EXPECT_EQ(-EINVAL, km_ioctl(dev, KAPSEL_FD_BY_ID, &by_id));
	ASSERT_EQ(0, km_pin(dev, KAPSEL_PIN, prog, "map_open_test"));
	EXPECT_EQ(-EINVAL, km_ioctl(dev, KAPSEL_GET_PINNED, &pin));
	EXPECT_EQ(0, km_pin(dev, KAPSEL_UNPIN, 0, "map_open_test"));
}

static int of_maps(int dev, int inner, __u32 flags)
{
	struct kapsel_map_create arg = {
		.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		.max_entries = 1, .inner_map_fd = inner, .map_flags = flags,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

static int bpf_of_maps(int inner, __u32 flags)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		.max_entries = 1, .inner_map_fd = inner, .map_flags = flags,
	};

	return km_bpf(BPF_MAP_CREATE, &attr);
}

/* The outer one's rights count when a map is put into it, not those of the inner's. */
TEST(maps_in_maps_as_in_linux)
{
	int dev = km_open();
	bool bpf = km_bpf_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0) >= 0;

	for (size_t i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(modes); i++) {
		const struct mode *outer = &modes[i % ARRAY_SIZE(modes)];
		const struct mode *inner = &modes[i / ARRAY_SIZE(modes)];
		__u32 in = km_map(dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, inner->flags);
		__u32 key = 0, their_in;
		int out = of_maps(dev, in, outer->flags), their_out;
		int err = km_elem(out, KAPSEL_MAP_UPDATE, &key, 4, &in, 4, 0);

		EXPECT_EQ(outer->rights & WRITE ? 0 : -EPERM, err);
		if (!bpf)
			continue;
		their_in = km_bpf_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, inner->flags);
		their_out = bpf_of_maps(their_in, outer->flags);
		EXPECT_EQ(km_bpf_elem(BPF_MAP_UPDATE_ELEM, their_out, &key, &their_in, 0), err);
	}
}

/* Which types of maps have the flags, and that both at once are refused. */
TEST(types_as_in_linux)
{
	static const struct { __u32 type, key, value, entries, flags; } types[] = {
		{ BPF_MAP_TYPE_HASH, 4, 8, 1 }, { BPF_MAP_TYPE_ARRAY, 4, 8, 1 },
		{ BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1 }, { BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1 },
		{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 1 }, { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1 },
		{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1 }, { BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1 },
		{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 1 }, { BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 1 },
		{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_QUEUE, 0, 8, 1 }, { BPF_MAP_TYPE_STACK, 0, 8, 1 },
		{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096 }, { BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096 },
		 { BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1 },
		{ BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0 },
		{ BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 8, 8, 0 },
	};
	static const __u32 flags[] = { BPF_F_RDONLY, BPF_F_WRONLY, BPF_F_RDONLY | BPF_F_WRONLY };
	int dev = km_open();

	if (km_bpf_map(BPF_MAP_TYPE_HASH, 4, 8, 1, 0) < 0)
		SKIP(return, "no bpf(2)");
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(flags); i++) {
		typeof(types[0]) *t = &types[i % ARRAY_SIZE(types)];
		__u32 with = t->flags | flags[i / ARRAY_SIZE(types)];
		int ours = km_map(dev, t->type, t->key, t->value, t->entries, with);
		int theirs = km_bpf_map(t->type, t->key, t->value, t->entries, with);

		EXPECT_EQ(theirs < 0 ? theirs : 0, ours < 0 ? ours : 0) {
			TH_LOG("type %u flags %u", t->type, with);
		}
		close(ours);
		close(theirs);
	}
}

TEST_HARNESS_MAIN
