// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks in the values of maps: creation and each ioctl beside bpf(2) on maps of the
 * same object, and programs that count while others count, look and store
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

#define FILE_NAME "locks.bpf.o"
#define STEPS	4000
#define RUNS	3000

struct locked {
	__u64 before;
	struct bpf_spin_lock lock;
	__u32 between;
	__u64 after;
};

static const __u32 the_key = 3;

FIXTURE(lock) {
	struct kapsel_dev dev;
	struct kapsel_object *ours;
	struct bpf_object *theirs;
};

FIXTURE_SETUP(lock)
{
	struct kapsel_error err = {};

	/* libkapsel keeps libbpf quiet. */
	self->theirs = bpf_object__open_file(FILE_NAME, NULL);
	if (self->theirs)
		bpf_program__set_autoload(bpf_object__find_program_by_name(self->theirs, "walks"),
					  false);
	if (!self->theirs || bpf_object__load(self->theirs)) {
		bpf_object__close(self->theirs);
		self->theirs = NULL;
	}
	ASSERT_EQ(0, kapsel_dev_open(&self->dev, NULL, &err));
	self->ours = kapsel_open(FILE_NAME, &err);
	ASSERT_NE(NULL, self->ours) TH_LOG("%s", err.text);
	ASSERT_EQ(0, kapsel_maps_create(&self->dev, self->ours, &err)) TH_LOG("%s", err.text);
}

FIXTURE_TEARDOWN(lock)
{
	kapsel_close(self->ours);
	kapsel_dev_close(&self->dev);
	bpf_object__close(self->theirs);
}

static int our_map(const struct _test_data_lock *self, const char *name)
{
	return kapsel_map_find(self->ours, name)->fd;
}

static int prog_of(struct _test_data_lock *self, const char *name, __u32 engine)
{
	const struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_prog *prog = kapsel_prog_find(self->ours, name);
	struct kapsel_error err = {};
	struct kapsel_result res;

	if (prog->fd >= 0)
		close(prog->fd);
	prog->fd = -1;
	if (kapsel_prog_load(&self->dev, prog, &opts, &res, &err))
		fprintf(stderr, "# %s\n", err.text);
	kapsel_result_free(&res);
	return prog->fd;
}

static int store(int map, __u64 number, __u64 flags)
{
	struct locked v = { number, { 0 }, number, number };

	return km_elem(map, KAPSEL_MAP_UPDATE, &the_key, 4, &v, sizeof(v), flags);
}

static struct locked load(int map, __u64 flags)
{
	struct locked v = {};

	if (km_elem(map, KAPSEL_MAP_LOOKUP, &the_key, 4, &v, sizeof(v), flags))
		v.lock.val = ~0;
	return v;
}

/* ------------------------------------------------------------------------
 * Creation
 */
static int create(int dev, __u32 type, __u32 flags, __u32 size, __u32 off)
{
	struct kapsel_map_create arg = {
		.map_type = type, .key_size = type == BPF_MAP_TYPE_QUEUE ? 0 : 4,
		.value_size = sizeof(struct locked), .max_entries = 8, .map_flags = flags,
		.lock_size = size, .lock_off = off,
	};
	int fd = km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);

	return fd < 0 ? fd : (close(fd), 0);
}

static int create_theirs(struct bpf_object *obj, __u32 type, __u32 flags)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct bpf_map_create_opts opts = {
		.sz = sizeof(opts), .map_flags = flags, .btf_fd = bpf_object__btf_fd(obj),
		.btf_key_type_id = btf__find_by_name_kind(btf, "unsigned int", BTF_KIND_INT),
		.btf_value_type_id = btf__find_by_name_kind(btf, "locked", BTF_KIND_STRUCT),
	};
	int fd = bpf_map_create(type, NULL, 4, sizeof(struct locked), 8, &opts);

	return fd < 0 ? km_bpf_as_kapsel(-errno) : (close(fd), 0);
}

TEST_F(lock, creation_as_in_linux)
{
	static const struct { __u32 type, flags; } cases[] = {
		{ BPF_MAP_TYPE_HASH, 0 }, { BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC },
		{ BPF_MAP_TYPE_ARRAY, 0 }, { BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE },
		{ BPF_MAP_TYPE_HASH, BPF_F_RDONLY_PROG }, { BPF_MAP_TYPE_ARRAY, BPF_F_RDONLY_PROG },
		{ BPF_MAP_TYPE_LRU_HASH, 0 }, { BPF_MAP_TYPE_PERCPU_HASH, 0 },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 0 }, { BPF_MAP_TYPE_LRU_HASH, BPF_F_RDONLY_PROG },
	};

	if (!self->theirs)
		SKIP(return, "no bpf(2)");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(create_theirs(self->theirs, cases[i].type, cases[i].flags),
			  create(self->dev.fd, cases[i].type, cases[i].flags, 4, 8)) {
			TH_LOG("case %zu", i);
		}
	}
	/* As Linux 6.1 has it; later ones refuse it. */
	EXPECT_EQ(0, create(self->dev.fd, BPF_MAP_TYPE_HASH, BPF_F_WRONLY_PROG, 4, 8));
}

TEST_F(lock, places_of_locks)
{
	const __u32 size = sizeof(struct locked);
	int dev = self->dev.fd;

	EXPECT_EQ(0, create(dev, BPF_MAP_TYPE_HASH, 0, 4, 0));
	EXPECT_EQ(0, create(dev, BPF_MAP_TYPE_HASH, 0, 4, size - 4));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 4, size));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 4, size - 3));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 4, 0xfffffffc));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 4, 2));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 8, 0));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 1, 0));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 0xffffffff, 0));
	EXPECT_EQ(-EINVAL, create(dev, BPF_MAP_TYPE_HASH, 0, 0, 4));
	EXPECT_EQ(-EOPNOTSUPP, create(dev, BPF_MAP_TYPE_QUEUE, 0, 4, 0));
	EXPECT_EQ(4, km_info(our_map(self, "row")).map.lock_size);
	EXPECT_EQ(8, km_info(our_map(self, "row")).map.lock_off);
	EXPECT_EQ(4, km_info(our_map(self, ".data.guarded")).map.lock_size);
}

/* ------------------------------------------------------------------------
 * What userspace may do with them
 */
static int our_step(int map, int what, __u32 key, struct locked *v, __u64 flags)
{
	static const unsigned long cmds[] = {
		KAPSEL_MAP_LOOKUP, KAPSEL_MAP_UPDATE, KAPSEL_MAP_DELETE, KAPSEL_MAP_LOOKUP_DELETE,
	};

	return km_elem(map, cmds[what], &key, 4, v, what == 2 ? 0 : sizeof(*v), flags);
}

static int their_step(int map, int what, __u32 key, struct locked *v, __u64 flags)
{
	static const int cmds[] = {
		BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
		BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	};

	return km_bpf_as_kapsel(km_bpf_elem(cmds[what], map, &key, what == 2 ? NULL : v, flags));
}

TEST_F_TIMEOUT(lock, steps_as_in_linux, 120)
{
	static const char * const maps[] = { "table", "row" };

	if (!self->theirs)
		SKIP(return, "no bpf(2)");
	srand(1);
	for (int step = 0; step < STEPS; step++) {
		int what = rand() % 4;
		const char *map = maps[rand() % 2];
		__u64 flags = what == 2 ? 0 : what == 3 ? rand() % 2 * BPF_F_LOCK : rand() % 9;
		__u32 key = rand() % 12;
		struct locked a = { rand(), { rand() }, rand(), rand() }, b = a;
		int err = their_step(bpf_object__find_map_fd_by_name(self->theirs, map), what,
				     key, &b, flags);

		ASSERT_EQ(err, our_step(our_map(self, map), what, key, &a, flags)) {
			TH_LOG("%s step %d op %d key %u flags %llu", map, step, what, key, flags);
		}
		ASSERT_EQ(0, err ? 0 : memcmp(&a, &b, sizeof(a))) {
			TH_LOG("%s step %d op %d flags %llu", map, step, what, flags);
		}
	}
}

TEST_F(lock, batches)
{
	struct locked values[8] = { { 1, { 5 }, 2, 3 }, { 4, { 5 }, 5, 6 } };
	__u32 keys[8] = { 1, 2 };
	struct kapsel_map_batch arg = {
		.op = KAPSEL_BATCH_UPDATE, .count = 2, .keys = km_ptr(keys),
		.values = km_ptr(values), .key_size = 4, .value_size = sizeof(values[0]),
		.elem_flags = BPF_F_LOCK,
	};
	int table = our_map(self, "table");

	ASSERT_EQ(0, km_ioctl(table, KAPSEL_MAP_BATCH, &arg));
	arg.op = KAPSEL_BATCH_LOOKUP;
	arg.count = 8;
	ASSERT_EQ(0, km_ioctl(table, KAPSEL_MAP_BATCH, &arg));
	EXPECT_EQ(2, arg.count);
	EXPECT_EQ(0, values[0].lock.val | values[1].lock.val);
	EXPECT_EQ(5, values[0].before + values[1].before);
	arg.elem_flags = BPF_F_LOCK | BPF_NOEXIST;
	EXPECT_EQ(-EINVAL, km_ioctl(table, KAPSEL_MAP_BATCH, &arg));
	arg = (struct kapsel_map_batch){
		.op = KAPSEL_BATCH_LOOKUP_DELETE, .count = 8, .keys = km_ptr(keys),
		.values = km_ptr(values), .key_size = 4, .value_size = sizeof(values[0]),
		.elem_flags = BPF_F_LOCK,
	};
	EXPECT_EQ(0, km_ioctl(table, KAPSEL_MAP_BATCH, &arg));
	EXPECT_EQ(2, arg.count);
}

TEST_F(lock, no_flag_without_a_lock)
{
	int map = km_map(self->dev.fd, BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	__u32 key = 1;
	__u64 value;

	EXPECT_EQ(-EINVAL, km_set(map, 1, 1, BPF_F_LOCK));
	EXPECT_EQ(0, km_set(map, 1, 1, 0));
	EXPECT_EQ(-EINVAL, km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, &value, 8, BPF_F_LOCK));
	close(map);
}

/* Userspace does not reach a lock by other ways. */
TEST_F(lock, neither_mapped_nor_found)
{
	struct kapsel_map_create outer = {
		.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		.max_entries = 1, .inner_map_fd = our_map(self, "row"),
	};
	struct kapsel_map_create plain = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .max_entries = 8,
		.value_size = sizeof(struct locked),
	};
	int map, inner, row = our_map(self, "row"), data = our_map(self, ".data.guarded");

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, data, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-EOPNOTSUPP, km_ioctl(self->dev.fd, KAPSEL_MAP_CREATE, &outer));
	inner = km_ioctl(self->dev.fd, KAPSEL_MAP_CREATE, &plain);
	outer.inner_map_fd = inner;
	map = km_ioctl(self->dev.fd, KAPSEL_MAP_CREATE, &outer);
	ASSERT_LE(0, map);
	EXPECT_EQ(0, km_elem(map, KAPSEL_MAP_UPDATE, &(__u32){ 0 }, 4, &inner, 4, 0));
	EXPECT_EQ(-EINVAL, km_elem(map, KAPSEL_MAP_UPDATE, &(__u32){ 0 }, 4, &row, 4, 0));
	close(map);
	close(inner);
}

/* ------------------------------------------------------------------------
 * Programs
 */
static const __u8 packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 253 };

static __u64 run(int prog, __u32 repeat)
{
	struct kapsel_test_run arg = {
		.data_in = km_ptr(packet), .data_size_in = sizeof(packet), .repeat = repeat,
		.hooknum = NF_INET_LOCAL_OUT,
	};
	int err = km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	return err ? (__u64)(long)err : arg.retval;
}

static void *run_often(void *prog)
{
	for (int i = 0; i < 20; i++)
		run(*(int *)prog, RUNS / 20);
	return NULL;
}

static bool is_whole(const struct locked *v)
{
	return !v->lock.val && v->before == v->after && (__u32)v->before == v->between;
}

FIXTURE(locking) {
	struct _test_data_lock lock;
};

FIXTURE_VARIANT(locking) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(locking, interp) { .engine = KAPSEL_ENGINE_INTERP };
FIXTURE_VARIANT_ADD(locking, jit) { .engine = KAPSEL_ENGINE_JIT };

FIXTURE_SETUP(locking)
{
	struct kapsel_error err = {};

	ASSERT_EQ(0, kapsel_dev_open(&self->lock.dev, NULL, &err));
	if (!(self->lock.dev.abi.engines & 1 << variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
	self->lock.ours = kapsel_open(FILE_NAME, &err);
	ASSERT_EQ(0, kapsel_maps_create(&self->lock.dev, self->lock.ours, &err));
}

FIXTURE_TEARDOWN(locking)
{
	kapsel_close(self->lock.ours);
	kapsel_dev_close(&self->lock.dev);
}

/* Two count at a time, neither atomically; whoever looks sees all of a count, or nothing. */
TEST_F_TIMEOUT(locking, counts_all, 120)
{
	int prog = prog_of(&self->lock, "counts", variant->engine);
	int table = our_map(&self->lock, "table"), row = our_map(&self->lock, "row");
	pthread_t threads[2];
	struct locked v;
	__u64 guarded[3];
	__u32 key = 0;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, store(table, 0, 0));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_often, &prog));
	for (int i = 0; i < 2000; i++) {
		v = load(i % 2 ? table : row, i % 4 < 2 ? BPF_F_LOCK : 0);
		ASSERT_TRUE(is_whole(&v)) {
			TH_LOG("%llu, %u, %llu", v.before, v.between, v.after);
		}
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(2 * RUNS, load(table, 0).after);
	EXPECT_EQ(2 * RUNS, load(row, BPF_F_LOCK).before);
	EXPECT_EQ(0, km_elem(our_map(&self->lock, ".data.guarded"), KAPSEL_MAP_LOOKUP, &key, 4,
			     guarded, sizeof(guarded), BPF_F_LOCK));
	EXPECT_EQ(2 * RUNS, guarded[1]);
	EXPECT_EQ(2 * RUNS, guarded[2]);
}

/* What is stored in place is counted on from. */
TEST_F_TIMEOUT(locking, stores_whole_values, 120)
{
	int prog = prog_of(&self->lock, "counts", variant->engine);
	int table = our_map(&self->lock, "table"), row = our_map(&self->lock, "row");
	pthread_t thread;
	struct locked v;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, store(table, 0, BPF_F_LOCK));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_often, &prog));
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(0, store(table, 1000000 * i, BPF_F_LOCK | BPF_EXIST));
		ASSERT_EQ(0, store(row, 1000000 * i, i % 2 ? BPF_F_LOCK : 0));
		v = load(i % 2 ? table : row, 0);
		ASSERT_TRUE(is_whole(&v));
		ASSERT_GE(RUNS, v.before - 1000000 * i);
	}
	pthread_join(thread, NULL);
}

TEST_F(locking, stores_by_programs)
{
	int prog = prog_of(&self->lock, "stores", variant->engine);
	int table = our_map(&self->lock, "table"), row = our_map(&self->lock, "row");

	ASSERT_LE(0, prog);
	EXPECT_EQ(1, run(prog, 3));
	EXPECT_EQ(7, load(table, BPF_F_LOCK).before);
	EXPECT_EQ(7, load(row, BPF_F_LOCK).after);
	/* The lock that it stored is none. */
	EXPECT_EQ(1, run(prog_of(&self->lock, "counts", variant->engine), 1));
	EXPECT_EQ(8, load(table, 0).before);
}

TEST_F(locking, walks)
{
	int prog = prog_of(&self->lock, "walks", variant->engine);

	ASSERT_LE(0, prog);
	EXPECT_EQ(1, run(prog, 5));
	EXPECT_EQ(5, load(our_map(&self->lock, "row"), 0).between);
}

/* The same packets, the same numbers. */
TEST_F(lock, programs_as_in_linux)
{
	static const char * const progs[] = { "counts", "stores", "counts" };
	struct bpf_test_run_opts opts = { .sz = sizeof(opts), .repeat = 1 };
	__u8 frame[14 + sizeof(packet)] = { [12] = 8 };
	int a[8], b[8];
	__u32 zero = 0;

	if (!self->theirs)
		SKIP(return, "no bpf(2)");
	memcpy(frame + 14, packet, sizeof(packet));
	opts.data_in = frame;
	opts.data_size_in = sizeof(frame);
	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		const struct bpf_program *p =
			bpf_object__find_program_by_name(self->theirs, progs[i]);
		struct locked our, their;

		ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(p), &opts));
		ASSERT_EQ(opts.retval, run(prog_of(self, progs[i], KAPSEL_ENGINE_AUTO), 1));
		ASSERT_EQ(0, their_step(bpf_object__find_map_fd_by_name(self->theirs, "row"), 0,
					the_key, &their, BPF_F_LOCK));
		our = load(our_map(self, "row"), BPF_F_LOCK);
		EXPECT_EQ(0, memcmp(&our, &their, sizeof(our))) TH_LOG("%s", progs[i]);
	}
	ASSERT_EQ(0, km_bpf_elem(BPF_MAP_LOOKUP_ELEM,
				 bpf_object__find_map_fd_by_name(self->theirs, ".bss"), &zero,
				 b, 0));
	ASSERT_EQ(0, km_elem(our_map(self, ".bss"), KAPSEL_MAP_LOOKUP, &zero, 4, a, sizeof(a), 0));
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		EXPECT_EQ(b[i], a[i]) {
			TH_LOG("step %zu of stores", i);
		}
	}
}

TEST_HARNESS_MAIN
