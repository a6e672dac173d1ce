// SPDX-License-Identifier: GPL-2.0-only
/*
 * The storage of a cgroup: maps and their errors beside Linux's, whose elements a
 * program attached to the root cgroup makes.
 */

#include <bpf/bpf.h>
#include <linux/kernel.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

#define CGROUPS		"/tmp/storages"
#define MAX_CPUS	64
#define MOST_BYTES	(65535 - 128)

#define storage_key struct bpf_cgroup_storage_key

static const __u32 types[] = {
	BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
};

static const __u32 key_sizes[] = { sizeof(storage_key), sizeof(__u64) };

static bool is_percpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

FIXTURE(storage) {
	int dev;
	__u32 cpus;
	int cgroup;
	struct made { int prog; __u32 direction; } made[8];	/* in the cgroup */
	int nr_made;
};

FIXTURE_SETUP(storage)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	self->cpus = abi.cpus;
	ASSERT_GE(MAX_CPUS, self->cpus);
	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		SKIP(return KM_NO_TEST, "no cgroup2: %d", errno);
	self->cgroup = open(CGROUPS, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->cgroup);
}

FIXTURE_TEARDOWN(storage)
{
	for (int i = 0; i < self->nr_made; i++) {
		bpf_prog_detach2(self->made[i].prog, self->cgroup, self->made[i].direction);
		close(self->made[i].prog);
	}
	close(self->cgroup);
	umount(CGROUPS);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

/* ------------------------------------------------------------------------
 * Maps
 */
TEST_F(storage, creation_errors_as_in_linux)
{
	static const __u32 keys[] = { 0, 4, 8, 12, 16, 24 };
	static const __u32 values[] = { 0, 1, 8, 4096, 4097, 32768, 32769, 60000, 65536, 1 << 23 };
	static const __u32 entries[] = { 0, 1, 4096 };

	if (km_bpf_map(BPF_MAP_TYPE_CGROUP_STORAGE, 8, 8, 0, 0) < 0)
		SKIP(return, "no such maps by bpf(2)");
	for (__u32 i = 0; i < 2 * ARRAY_SIZE(keys) * ARRAY_SIZE(values) * ARRAY_SIZE(entries);
	     i++) {
		__u32 type = types[i % 2], key = keys[i / 2 % ARRAY_SIZE(keys)];
		__u32 value = values[i / 2 / ARRAY_SIZE(keys) % ARRAY_SIZE(values)];
		__u32 room = entries[i / 2 / ARRAY_SIZE(keys) / ARRAY_SIZE(values)];
		int theirs = km_bpf_map(type, key, value, room, 0);
		int ours = km_map(self->dev, type, key, value, room, 0);

		EXPECT_EQ(theirs < 0 ? theirs : 0, ours < 0 ? ours : 0) {
			TH_LOG("type %u key %u value %u entries %u", type, key, value, room);
		}
		close(ours);
		close(theirs);
	}
	for (__u32 i = 0; i < 64; i++) {
		__u32 flags = 1U << i / 2;
		int theirs = km_bpf_map(types[i % 2], 16, 8, 0, flags);
		int ours = km_map(self->dev, types[i % 2], 16, 8, 0, flags);

		/* Memory of a node is not to be had here. */
		if (flags != BPF_F_NUMA_NODE)
			EXPECT_EQ(theirs < 0 ? theirs : 0, ours < 0 ? ours : 0) {
				TH_LOG("type %u flags %x", types[i % 2], flags);
			}
		close(ours);
		close(theirs);
	}
}

TEST_F(storage, the_largest_value)
{
	int fd = km_map(self->dev, BPF_MAP_TYPE_CGROUP_STORAGE, 8, MOST_BYTES, 0, 0);

	ASSERT_LE(0, fd);
	EXPECT_LE(MOST_BYTES, km_info(fd).map.memory);
	EXPECT_EQ(1, km_info(fd).map.used);
	close(fd);
	EXPECT_EQ(-E2BIG, km_map(self->dev, BPF_MAP_TYPE_CGROUP_STORAGE, 8, MOST_BYTES + 1, 0, 0));
	fd = km_map(self->dev, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0, 0);
	EXPECT_EQ(2, km_info(fd).map.used);
	EXPECT_EQ(0, km_info(fd).map.max_entries);
	close(fd);
}

/* Linux has an element for each program's map once it is attached. */
static int make_element(struct _test_data_storage *self, int map, __u32 direction)
{
	struct bpf_insn insns[8];
	char text[200], why[128];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB, .insns = km_ptr(insns),
		.expected_attach_type = direction, .license = km_ptr("GPL"),
	};
	int prog;

	snprintf(text, sizeof(text), "r1 = map[fd:%d] ll\nr2 = 0\ncall bpf_get_local_storage\n"
		 "r0 = 1\nexit\n", map);
	attr.insn_cnt = kt_asm(text, insns, ARRAY_SIZE(insns), why, sizeof(why));
	prog = km_bpf(BPF_PROG_LOAD, &attr);
	if (prog < 0)
		return prog;
	self->made[self->nr_made++] = (struct made){ prog, direction };
	return bpf_prog_attach(prog, self->cgroup, direction, BPF_F_ALLOW_MULTI);
}

static const storage_key keys[] = {
	{ 1, 0 }, { 1, 1 }, { 1, 2 }, { 1, -1 }, { 0, 0 }, { 2, 1 }, { -1, 0 },
	{ 1ULL << 32 | 1, 0 },
};

static const __u64 flags[] = {
	BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK, BPF_F_LOCK | BPF_EXIST, 8, 1ULL << 32,
};

/* An update with these flags, and what is there then. */
static void same_update(struct __test_metadata *_metadata, int ours, int theirs,
			const storage_key *key, __u32 key_size, __u32 size, __u64 how)
{
	static __u64 number;
	__u64 wanted[MAX_CPUS], got[MAX_CPUS];

	for (__u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		wanted[cpu] = ++number;
		got[cpu] = number;
	}
	EXPECT_EQ(km_bpf_elem(BPF_MAP_UPDATE_ELEM, theirs, key, wanted, how),
		  km_elem(ours, KAPSEL_MAP_UPDATE, key, key_size, got, size, how)) {
		TH_LOG("cgroup %llu type %u flags %llx", key->cgroup_inode_id, key->attach_type,
		       how);
	}
	memset(wanted, 0, sizeof(wanted));
	memset(got, 0, sizeof(got));
	EXPECT_EQ(km_bpf_elem(BPF_MAP_LOOKUP_ELEM, theirs, key, wanted, 0),
		  km_elem(ours, KAPSEL_MAP_LOOKUP, key, key_size, got, size, 0));
	EXPECT_EQ(0, memcmp(wanted, got, size));
}

static void same_elements(struct __test_metadata *_metadata, int ours, int theirs,
			  __u32 key_size, __u32 size)
{
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
			same_update(_metadata, ours, theirs, &keys[k], key_size, size, flags[f]);
		EXPECT_EQ(km_bpf_elem(BPF_MAP_DELETE_ELEM, theirs, &keys[k], NULL, 0),
			  km_elem(ours, KAPSEL_MAP_DELETE, &keys[k], key_size, NULL, 0, 0));
	}
}

/* Linux has the last to be made in front. */
static void same_walk(struct __test_metadata *_metadata, int ours, int theirs, __u32 key_size)
{
	storage_key wanted = {}, got = {};
	int steps = 0;

	ASSERT_EQ(0, bpf_map_get_next_key(theirs, NULL, &wanted));
	ASSERT_EQ(0, km_next(ours, NULL, &got, key_size));
	do {
		EXPECT_EQ(0, memcmp(&wanted, &got, key_size));
		steps++;
	} while (!bpf_map_get_next_key(theirs, &wanted, &wanted) &&
		 !km_next(ours, &got, &got, key_size));
	EXPECT_EQ(key_size == 8 ? 1 : 2, steps);
	EXPECT_EQ(-ENOENT, km_next(ours, &got, &got, key_size));
	for (size_t k = 2; k < ARRAY_SIZE(keys); k++)
		if (key_size != 8 || keys[k].cgroup_inode_id != 1)
			EXPECT_EQ(bpf_map_get_next_key(theirs, &keys[k], &wanted),
				  km_next(ours, &keys[k], &got, key_size));
}

TEST_F(storage, elements_as_in_linux)
{
	for (int i = 0; i < 4; i++) {
		__u32 type = types[i % 2], key_size = key_sizes[i / 2];
		int ours = km_map(self->dev, type, key_size, 8, 0, 0);
		int theirs = km_bpf_map(type, key_size, 8, 0, 0);

		if (theirs < 0)
			SKIP(return, "no bpf(2)");
		ASSERT_LE(0, ours);
		ASSERT_EQ(0, make_element(self, theirs, BPF_CGROUP_INET_EGRESS));
		ASSERT_EQ(0, make_element(self, theirs, BPF_CGROUP_INET_INGRESS));
		same_elements(_metadata, ours, theirs, key_size,
			      is_percpu(type) ? 8 * self->cpus : 8);
		same_walk(_metadata, ours, theirs, key_size);
		close(ours);
		close(theirs);
	}
}

/* All at once, in whatever room there is; nothing is taken out. */
TEST_F(storage, batches)
{
	for (int i = 0; i < 4; i++) {
		__u32 type = types[i % 2], key_size = key_sizes[i / 2], n = 2 - i / 2;
		__u32 size = is_percpu(type) ? 8 * self->cpus : 8;
		int map = km_map(self->dev, type, key_size, 8, 0, 0);
		__u64 values[4 * MAX_CPUS] = { 7 }, got[4 * MAX_CPUS] = {};
		unsigned char found[4 * sizeof(storage_key)] = {};
		struct kapsel_map_batch arg = {
			.op = KAPSEL_BATCH_LOOKUP, .count = 4, .keys = km_ptr(found),
			.values = km_ptr(got), .key_size = key_size, .value_size = size,
		};

		ASSERT_EQ(0, km_elem(map, KAPSEL_MAP_UPDATE, &keys[0], key_size, values, size, 0));
		ASSERT_EQ(0, km_ioctl(map, KAPSEL_MAP_BATCH, &arg));
		EXPECT_EQ(n, arg.count);
		EXPECT_EQ(1, arg.done);
		EXPECT_EQ(7, got[0]);
		for (__u32 k = 0; k < n; k++)
			EXPECT_EQ(0, memcmp(found + k * key_size, &keys[k], key_size));
		arg.count = 1;
		arg.cursor = 0;
		ASSERT_EQ(0, km_ioctl(map, KAPSEL_MAP_BATCH, &arg));
		EXPECT_EQ(1, arg.count);
		arg.cursor = 3;
		EXPECT_EQ(-EINVAL, km_ioctl(map, KAPSEL_MAP_BATCH, &arg));
		arg.op = KAPSEL_BATCH_LOOKUP_DELETE;
		EXPECT_EQ(-EOPNOTSUPP, km_ioctl(map, KAPSEL_MAP_BATCH, &arg));
		EXPECT_EQ(-EOPNOTSUPP, km_elem(map, KAPSEL_MAP_LOOKUP_DELETE, &keys[0], key_size,
					       got, size, 0));
		EXPECT_EQ(0, km_flags(map, KAPSEL_MAP_FREEZE));
		EXPECT_EQ(-EPERM, km_elem(map, KAPSEL_MAP_UPDATE, &keys[0], key_size, values, size,
					  0));
		close(map);
	}
}

static int map_with_lock(int dev, __u32 type, __u32 value_size, __u32 off, __u32 map_flags)
{
	struct kapsel_map_create arg = {
		.map_type = type, .key_size = 8, .value_size = value_size, .lock_size = 4,
		.lock_off = off, .map_flags = map_flags,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

struct locked {
	__u64 sum;
	__u32 lock;
	__u32 rest;
};

TEST_F(storage, locks_in_values)
{
	int map = map_with_lock(self->dev, BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0);
	struct locked v = { 5, 1, 6 };
	__u64 key = 1;

	ASSERT_LE(0, map);
	for (int i = 0; i < 3; i++) {
		__u64 how = i == 1 ? BPF_F_LOCK : 0;

		v.sum += i;
		v.lock = 1;
		ASSERT_EQ(0, km_elem(map, KAPSEL_MAP_UPDATE, &key, 8, &v, 16, how));
		ASSERT_EQ(0, km_elem(map, KAPSEL_MAP_LOOKUP, &key, 8, &v, 16, how));
		EXPECT_EQ(0, v.lock);
		EXPECT_EQ(6, v.rest);
	}
	EXPECT_EQ(8, v.sum);
	close(map);
	EXPECT_EQ(-EOPNOTSUPP, map_with_lock(self->dev, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8,
					     0));
	EXPECT_EQ(-EACCES, map_with_lock(self->dev, BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8,
					 BPF_F_RDONLY_PROG));
	EXPECT_EQ(-EINVAL, map_with_lock(self->dev, BPF_MAP_TYPE_CGROUP_STORAGE, 16, 14, 0));
}

TEST_F(storage, in_no_map)
{
	for (int i = 0; i < 2; i++) {
		int inner = km_map(self->dev, types[i], 8, 8, 0, 0);
		struct kapsel_map_create arg = {
			.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
			.max_entries = 1, .inner_map_fd = inner,
		};
		int theirs = km_bpf_map(types[i], 8, 8, 0, 0);
		union bpf_attr attr = {
			.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
			.max_entries = 1, .inner_map_fd = theirs,
		};

		EXPECT_EQ(-EOPNOTSUPP, km_ioctl(self->dev, KAPSEL_MAP_CREATE, &arg));
		if (theirs >= 0)
			EXPECT_EQ(-EOPNOTSUPP, km_bpf_as_kapsel(km_bpf(BPF_MAP_CREATE, &attr)));
		close(inner);
		close(theirs);
	}
}

TEST_HARNESS_MAIN
