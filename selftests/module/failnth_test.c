// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out: at each allocation of every ioctl, of maps of each type, of loads
 * on each engine, of links to each hook. Each is done, or fails with ENOMEM and leaves
 * nothing behind. Needs a kernel with fault injection (make test-debug).
 */

#include <linux/kernel.h>
#include <sys/mman.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_fail.h"
#include "module/lib/km_ioctls.h"

/* A map of some type; values of four bytes are descriptors. */
struct shape {
	__u32 type;
	__u32 key;
	__u32 value;
	__u32 entries;
	__u32 flags;
};

static const struct shape shapes[] = {
	{ BPF_MAP_TYPE_HASH, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 8, BPF_F_MMAPABLE },
	{ BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0 },
	{ BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 64, 8, 0 },
	{ BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 8, 0 },
	{ BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0 },
	{ BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0, 0 },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 8, 0 },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 8, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 8, 0 },
	{ BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 8, 0 },
	{ BPF_MAP_TYPE_QUEUE, 0, 8, 8, 0 },
	{ BPF_MAP_TYPE_STACK, 0, 8, 8, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 8, 0 },
};

FIXTURE(failnth) {
	struct km_env env;
	struct kapsel_abi abi;
	int fails;
	/* What the act at hand is about. */
	const struct km_row *row;
	const struct shape *shape;
	struct kapsel_prog_load load;
	int file;		/* of an object */
	char arg[1024];
	__u8 value[4096];
	__u8 key[64];
};

FIXTURE_SETUP(failnth)
{
	self->fails = km_fail_open();
	ASSERT_LE(0, self->fails);
	ASSERT_EQ(0, km_env_open(&self->env));
	ASSERT_EQ(0, km_ioctl(self->env.dev, KAPSEL_GET_ABI, &self->abi));
}

FIXTURE_TEARDOWN(failnth)
{
	km_env_close(&self->env);
}

static void sweep(struct __test_metadata *_metadata, FIXTURE_DATA(failnth) * self,
		  const struct km_act *act)
{
	km_sweep(_metadata, self->fails, self->env.dev, act, self);
}

/* ------------------------------------------------------------------------
 * Every ioctl
 */
static void row_begin(void *env)
{
	FIXTURE_DATA(failnth) * self = env;

	memset(self->arg, 0, sizeof(self->arg));
	self->row->fill(&self->env, self->arg);
}

static int row_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;

	return km_ioctl(km_file_of(&self->env, self->row->on), self->row->cmd, self->arg);
}

/* What can be done once is done to another map or link the next time. */
static void row_undo(void *env, int ret)
{
	FIXTURE_DATA(failnth) * self = env;

	if (ret > 2)
		close(ret);
	km_pin(self->env.dev, KAPSEL_UNPIN, 0, "uapi");
	if (ret || !km_once(self->row))
		return;
	km_env_close(&self->env);
	if (km_env_open(&self->env))
		self->env.dev = -1;
}

TEST_F(failnth, every_ioctl_has_a_row)
{
	char arg[1024] = {};

	for (__u32 on = KM_ON_DEVICE; on <= KM_ON_LINK; on <<= 1) {
		for (__u32 nr = 0; nr < 256; nr++) {
			int ret = km_ioctl(km_file_of(&self->env, on), km_sized(nr, 0), arg);

			EXPECT_EQ(!km_is_known(nr, on), ret == -ENOTTY) {
				TH_LOG("nr %#x on %u: %d", nr, on, ret);
			}
		}
	}
}

TEST_F_TIMEOUT(failnth, every_ioctl, 600)
{
	for (size_t i = 0; i < ARRAY_SIZE(km_rows) && _metadata->passed; i++) {
		char name[32];
		struct km_act act = { name, row_begin, row_run, row_undo, 0 };

		self->row = &km_rows[i];
		snprintf(name, sizeof(name), "ioctl %#lx", _IOC_NR(self->row->cmd));
		sweep(_metadata, self, &act);
	}
}

/* Whatever the caller has room for. */
static int info_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	struct kapsel_obj_info info = {
		.link = {
			.target = km_ptr(self->arg), .target_size = sizeof(self->arg),
			.sites = km_ptr(self->value), .site_cnt = 8,
		},
	};

	return km_ioctl(self->file, KAPSEL_OBJ_INFO, &info);
}

/* ------------------------------------------------------------------------
 * Maps
 */
static int create_map(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	const struct shape *s = self->shape;
	static const char btf[64];
	struct kapsel_map_create arg = {
		.map_type = s->type, .key_size = s->key, .value_size = s->value,
		.max_entries = s->entries, .map_flags = s->flags,
		.btf = km_ptr(btf), .btf_size = sizeof(btf),
	};

	if (s->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || s->type == BPF_MAP_TYPE_HASH_OF_MAPS)
		arg.inner_map_fd = self->env.map;
	return km_ioctl(self->env.dev, KAPSEL_MAP_CREATE, &arg);
}

/* A value that the map takes; or else it says so, with or without memory. */
static void elem_begin(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	__u32 fd = self->shape->type == BPF_MAP_TYPE_PROG_ARRAY ? self->env.prog : self->env.map;

	memset(self->key, 0, sizeof(self->key));
	memset(self->value, 0, sizeof(self->value));
	if (self->shape->type == BPF_MAP_TYPE_LPM_TRIE)
		self->key[0] = 32;
	/* The root cgroup's, for ingress. */
	if (!self->shape->entries)
		self->key[0] = 1;
	if (self->shape->value == 4)
		memcpy(self->value, &fd, sizeof(fd));
}

static int elem(FIXTURE_DATA(failnth) * self, unsigned long cmd)
{
	const struct kps_map_type *type = kps_map_type_find(self->shape->type);
	__u32 size = self->shape->value;

	if (type->ops & KAPSEL_MAP_OP_PERCPU)
		size = 8 * self->abi.cpus;
	return km_elem(self->file, cmd, self->shape->key ? self->key : NULL, self->shape->key,
		       self->value, cmd == KAPSEL_MAP_DELETE ? 0 : size, 0);
}

#define ELEM(name, cmd)							\
static int name##_run(void *env)					\
{									\
	int err = elem(env, cmd);					\
									\
	/* Some types know no such thing, and some have no such element. */ \
	return err == -EOPNOTSUPP || err == -EINVAL || err == -ENOENT || err == -EBADF ? 0 : err; \
}

ELEM(update, KAPSEL_MAP_UPDATE)
ELEM(lookup, KAPSEL_MAP_LOOKUP)
ELEM(take, KAPSEL_MAP_LOOKUP_DELETE)
ELEM(erase, KAPSEL_MAP_DELETE)

static int next_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	int err = km_next(self->file, NULL, self->key, self->shape->key);

	return err == -EOPNOTSUPP || err == -ENOENT || err == -EINVAL ? 0 : err;
}

static int batch_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	struct kapsel_map_batch arg = {
		.op = KAPSEL_BATCH_LOOKUP, .count = 8, .keys = km_ptr(self->arg),
		.values = km_ptr(self->value), .key_size = self->shape->key,
		.value_size = self->shape->value,
	};
	int err = km_ioctl(self->file, KAPSEL_MAP_BATCH, &arg);

	return err == -EOPNOTSUPP || err == -EINVAL ? 0 : err;
}

static int mmap_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	const struct kps_map_type *type = kps_map_type_find(self->shape->type);
	void *mem;

	if (!(type->ops & KAPSEL_MAP_OP_MMAP))
		return 0;
	mem = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->file, 0);
	if (mem == MAP_FAILED)
		return -errno;
	munmap(mem, 4096);
	return 0;
}

static const struct km_act map_acts[] = {
	{ "update", elem_begin, update_run, NULL, 0 },
	{ "lookup", elem_begin, lookup_run, NULL, 0 },
	{ "next key", elem_begin, next_run, NULL, 0 },
	{ "batch", elem_begin, batch_run, NULL, 0 },
	{ "take", elem_begin, take_run, NULL, 0 },
	{ "delete", elem_begin, erase_run, NULL, 0 },
	{ "mmap", NULL, mmap_run, NULL, 0 },
};

static bool has_shape(__u32 type)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (shapes[i].type == type)
			return true;
	return false;
}

TEST_F(failnth, every_map_type_has_a_shape)
{
	struct kapsel_map_type_info types[64];
	struct kapsel_list arg = {
		.entries = km_ptr(types), .entry_size = sizeof(types[0]),
		.count = ARRAY_SIZE(types),
	};

	ASSERT_EQ(0, km_ioctl(self->env.dev, KAPSEL_LIST_MAP_TYPES, &arg));
	for (__u32 i = 0; i < arg.count; i++) {
		EXPECT_TRUE(has_shape(types[i].type)) {
			TH_LOG("%s", types[i].name);
		}
	}
}

TEST_F_TIMEOUT(failnth, every_map_type, 600)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes) && _metadata->passed; i++) {
		char name[64];
		struct km_act act = { name, NULL, create_map, NULL, 0 };

		self->shape = &shapes[i];
		snprintf(name, sizeof(name), "map of type %u", self->shape->type);
		sweep(_metadata, self, &act);
		self->file = create_map(self);
		ASSERT_LE(0, self->file);
		for (size_t j = 0; j < ARRAY_SIZE(map_acts); j++) {
			struct km_act on = map_acts[j];

			snprintf(name, sizeof(name), "map of type %u: %s", self->shape->type,
				 map_acts[j].name);
			on.name = name;
			sweep(_metadata, self, &on);
		}
		close(self->file);
	}
}

/* ------------------------------------------------------------------------
 * Programs
 */
static const struct source {
	const char *name;
	__u32 type;
	__u32 flags;
	const char *text;
} sources[] = {
	{ "smallest", KAPSEL_PROG_KPROBE, 0, KM_ACCEPT },
	{ "map", KAPSEL_PROG_KPROBE, 0,
	  "*(u32 *)(r10 - 4) = 0\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -4\n"
	  "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\n"
	  "out:\nr0 = 0\nexit\n" },
	{ "functions", KAPSEL_PROG_KPROBE, 0,
	  "r6 = map[fd:%d] ll\nr1 = 5\ncall double\nr1 = r0\ncall double\nr0 = 0\nexit\n"
	  "double:\nr0 = r1\nr0 += r1\nexit\n" },
	{ "callback", KAPSEL_PROG_KPROBE, 0,
	  "r6 = map[fd:%d] ll\nr1 = 5\nr2 = func each\nr3 = 0\nr4 = 0\ncall bpf_loop\n"
	  "r0 = 0\nexit\neach:\nr0 = 0\nexit\n" },
	{ "loop", KAPSEL_PROG_KPROBE, 0,
	  "r6 = map[fd:%d] ll\nr1 = 0\nagain:\nr1 += 1\nif r1 < 100 goto again\nr0 = 0\nexit\n" },
	{ "metered", KAPSEL_PROG_KPROBE, KAPSEL_PROG_METERED,
	  "r6 = map[fd:%d] ll\ncall bpf_ktime_get_ns\nagain:\nr0 /= 3\nif r0 != 0 goto again\n"
	  "r0 = 0\nexit\n" },
	{ "lines", KAPSEL_PROG_KPROBE, 0,
	  "r6 = map[fd:%d] ll\n*(u64 *)(r10 - 8) = 0x6968\nr1 = r10\nr1 += -8\nr2 = 3\n"
	  "call bpf_trace_printk\nr0 = 0\nexit\n" },
	{ "packet", KAPSEL_PROG_NETFILTER, 0,
	  "r6 = map[fd:%d] ll\nr2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr4 = r2\n"
	  "r4 += 20\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 9)\nout:\nr0 = 1\nexit\n" },
};

static int load_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;

	return km_ioctl(self->env.dev, KAPSEL_PROG_LOAD, &self->load);
}

/* Instructions are kept by km_load_arg(); a first load shows that they do load. */
static void sweep_load(struct __test_metadata *_metadata, FIXTURE_DATA(failnth) * self,
		       const struct source *source, __u32 engine, int map)
{
	char text[2048], name[64];
	/* The kernel's JIT does not say why it gives up. */
	struct km_act act = { name, NULL, load_run, NULL,
			      engine == KAPSEL_ENGINE_JIT ? EOPNOTSUPP : 0 };
	int prog;

	snprintf(text, sizeof(text), source->text, map);
	snprintf(name, sizeof(name), "load on engine %u: %s", engine, source->name);
	self->load = (struct kapsel_prog_load){ .engine = engine, .flags = source->flags };
	self->load.log.buf = km_ptr(self->arg);
	self->load.log.size = sizeof(self->arg);
	prog = km_load_arg(self->env.dev, &self->load, source->type, text);
	ASSERT_LE(0, prog) {
		TH_LOG("%s: %d, code %u", name, prog, self->load.log.verdict.code);
	}
	close(prog);
	sweep(_metadata, self, &act);
}

static bool has_engine(const FIXTURE_DATA(failnth) * self, __u32 engine)
{
	return self->abi.engines & 1u << engine;
}

static void sweep_loads(struct __test_metadata *_metadata, FIXTURE_DATA(failnth) * self,
			__u32 engine)
{
	if (!has_engine(self, engine))
		SKIP(return, "no such engine");
	for (size_t i = 0; i < ARRAY_SIZE(sources) && _metadata->passed; i++)
		sweep_load(_metadata, self, &sources[i], engine, self->env.map);
}

TEST_F_TIMEOUT(failnth, loads_for_the_interpreter, 600)
{
	sweep_loads(_metadata, self, KAPSEL_ENGINE_INTERP);
}

TEST_F_TIMEOUT(failnth, loads_for_the_jit, 600)
{
	sweep_loads(_metadata, self, KAPSEL_ENGINE_JIT);
}

/* Without memory for the JIT the choice may fall on the interpreter. */
TEST_F_TIMEOUT(failnth, loads_for_either, 600)
{
	sweep_loads(_metadata, self, KAPSEL_ENGINE_AUTO);
}

static const struct source tail_call = {
	"tail call", KAPSEL_PROG_KPROBE, 0,
	"r2 = map[fd:%d] ll\nr3 = 0\ncall bpf_tail_call\nr0 = 0\nexit\n"
};

/* One that only lacks a NULL test: records are made, and the program is not. */
static int refused_run(void *env)
{
	int err = load_run(env);

	return err == -EACCES || err == -EINVAL ? 0 : err;
}

TEST_F_TIMEOUT(failnth, tail_calls_and_refusals, 600)
{
	struct km_act refused = { "refusal", NULL, refused_run, NULL, 0 };
	int array = km_map(self->env.dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);

	ASSERT_LE(0, array);
	for (__u32 engine = KAPSEL_ENGINE_INTERP; engine <= KAPSEL_ENGINE_JIT; engine++)
		if (has_engine(self, engine))
			sweep_load(_metadata, self, &tail_call, engine, array);
	close(array);
	self->load = (struct kapsel_prog_load){};
	self->load.log.buf = km_ptr(self->arg);
	self->load.log.size = sizeof(self->arg);
	ASSERT_GT(0, km_load_arg(self->env.dev, &self->load, KAPSEL_PROG_NETFILTER,
				 "r0 = *(u64 *)(r10 - 8)\nexit\n"));
	sweep(_metadata, self, &refused);
}

/* ------------------------------------------------------------------------
 * Runs and images
 */
static int run_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	static struct __sk_buff ctx;
	struct kapsel_test_run arg = {
		.ctx_in = km_ptr(&ctx), .ctx_size = sizeof(ctx), .data_in = km_ptr(self->value),
		.data_size_in = 1500, .data_out = km_ptr(self->value + 2048),
		.data_size_out = 1500,
	};

	return km_ioctl(self->file, KAPSEL_PROG_TEST_RUN, &arg);
}

static int image_run(void *env)
{
	FIXTURE_DATA(failnth) * self = env;
	struct kapsel_prog_image arg = {
		.code = km_ptr(self->arg), .code_size = sizeof(self->arg),
		.insns = km_ptr(self->value), .insn_cnt = 8,
	};

	return km_ioctl(self->file, KAPSEL_PROG_IMAGE, &arg);
}

TEST_F_TIMEOUT(failnth, runs_and_images, 600)
{
	static const struct km_act acts[] = {
		{ "test run", NULL, run_run, NULL, 0 },
		{ "image", NULL, image_run, NULL, 0 },
		{ "info of a program", NULL, info_run, NULL, 0 },
	};

	self->value[0] = 0x45;
	self->file = self->env.prog;
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (i != 1 || has_engine(self, KAPSEL_ENGINE_JIT))
			sweep(_metadata, self, &acts[i]);
}

TEST_HARNESS_MAIN
