// SPDX-License-Identifier: GPL-2.0-only
/* bpf_for_each_map_elem(): what each engine's callbacks get, of each kind of map */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define ENTRIES	50
#define MOST_CPUS 1024

FIXTURE(each) {
	int dev;
	int map;
};

FIXTURE_VARIANT(each) {
	__u32 type;
	__u32 engine;
	__u32 flags;
};

#define ON(_name, _type, _engine, _flags)					\
	FIXTURE_VARIANT_ADD(each, _name) {					\
		.type = BPF_MAP_TYPE_##_type, .engine = KAPSEL_ENGINE_##_engine,	\
		.flags = _flags,						\
	}

ON(hash_interp, HASH, INTERP, 0);
ON(hash_jit, HASH, JIT, 0);
ON(hash_metered, HASH, JIT, KAPSEL_PROG_METERED);
ON(array_interp, ARRAY, INTERP, 0);
ON(array_jit, ARRAY, JIT, 0);
ON(array_metered, ARRAY, JIT, KAPSEL_PROG_METERED);
ON(percpu_hash_interp, PERCPU_HASH, INTERP, 0);
ON(percpu_hash_jit, PERCPU_HASH, JIT, 0);
ON(percpu_hash_metered, PERCPU_HASH, JIT, KAPSEL_PROG_METERED);
ON(percpu_array_interp, PERCPU_ARRAY, INTERP, 0);
ON(percpu_array_jit, PERCPU_ARRAY, JIT, 0);
ON(percpu_array_metered, PERCPU_ARRAY, JIT, KAPSEL_PROG_METERED);
ON(lru_hash_interp, LRU_HASH, INTERP, 0);
ON(lru_hash_jit, LRU_HASH, JIT, 0);
ON(lru_hash_metered, LRU_HASH, JIT, KAPSEL_PROG_METERED);
ON(lru_percpu_hash_interp, LRU_PERCPU_HASH, INTERP, 0);
ON(lru_percpu_hash_jit, LRU_PERCPU_HASH, JIT, 0);
ON(lru_percpu_hash_metered, LRU_PERCPU_HASH, JIT, KAPSEL_PROG_METERED);

FIXTURE_SETUP(each)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	if (!(abi.engines & 1 << variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
	self->map = km_map(self->dev, variant->type, 4, 8, ENTRIES, 0);
	ASSERT_LE(0, self->map);
}

FIXTURE_TEARDOWN(each)
{
}

static bool is_array(__u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_percpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static __u32 nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_CONF);
}

/* On CPU n the value is so much more. */
static int set(int map, __u32 type, __u32 key, __u64 value)
{
	__u64 values[MOST_CPUS];
	__u32 i, n = is_percpu(type) ? nr_cpus() : 1;

	for (i = 0; i < n; i++)
		values[i] = value + 1000 * i;
	return km_elem(map, KAPSEL_MAP_UPDATE, &key, 4, values, 8 * n, 0);
}

static int load(int dev, __u32 engine, __u32 flags, int map, const char *callback)
{
	struct kapsel_prog_load arg = { .engine = engine, .flags = flags };
	char text[1024];
	int prog;

	/* A loop without a bound, so that the program is metered. */
	snprintf(text, sizeof(text),
		 "%s*(u64 *)(r10 - 8) = 0\nr1 = map[fd:%d]\nr2 = func cb\nr3 = r10\nr3 += -8\nr4 = 0\n"
		 "call 164\nr6 = r0\nr0 = *(u64 *)(r10 - 8)\nr0 <<= 32\nr0 |= r6\nexit\n"
		 "cb:\n%s", flags ? "again:\ncall 7\nif r0 == 7 goto again\n" : "",
		 map, callback);
	prog = km_load_arg(dev, &arg, KAPSEL_PROG_KPROBE, text);
	if (prog < 0)
		fprintf(stderr, "# load: %d, KV%03u @%u\n", prog, arg.log.verdict.code,
			arg.log.verdict.insn);
	return prog;
}

/* The sum of keys and values above, the number of calls below. */
#define SUM								\
	"r1 = *(u32 *)(r2 + 0)\nr3 = *(u64 *)(r3 + 0)\nr1 += r3\n"	\
	"r5 = *(u64 *)(r4 + 0)\nr5 += r1\n*(u64 *)(r4 + 0) = r5\n"	\
	"r0 = 0\nexit\n"

#define STOP	"r0 = 0\nr2 = *(u32 *)(r2 + 0)\nif r2 != 7 goto on\nr0 = 1\non:\nexit\n"
#define REMOVE	"r6 = 0\ncall bpf_map_delete_elem\nr0 = 0\nexit\n"

TEST_F(each, all_are_found_once)
{
	int prog = load(self->dev, variant->engine, variant->flags, self->map, SUM);
	__u64 keys = 0, sum = 0, nr = is_array(variant->type) ? ENTRIES : 0;
	cpu_set_t second;

	CPU_ZERO(&second);
	CPU_SET(nr_cpus() > 1, &second);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(second), &second));
	ASSERT_LE(0, prog);
	for (__u32 i = 0; is_array(variant->type) && i < ENTRIES; i++)
		keys += i;
	EXPECT_EQ(keys << 32 | nr, km_call(prog));
	for (__u32 i = 0; i < ENTRIES; i++) {
		ASSERT_EQ(0, set(self->map, variant->type, i, 100 * i));
		sum += 100 * i + (is_percpu(variant->type) && nr_cpus() > 1 ? 1000 : 0);
		keys += is_array(variant->type) ? 0 : i;
		nr += !is_array(variant->type);
		EXPECT_EQ((keys + sum) << 32 | nr, km_call(prog));
	}
}

TEST_F(each, a_callback_may_end_it)
{
	int prog = load(self->dev, variant->engine, variant->flags, self->map, STOP);

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, set(self->map, variant->type, 7, 1));
	EXPECT_EQ(is_array(variant->type) ? 8 : 1, km_call(prog));
}

TEST_F(each, a_callback_may_remove_what_it_is_called_for)
{
	int prog = load(self->dev, variant->engine, variant->flags, self->map, REMOVE);

	ASSERT_LE(0, prog);
	for (__u32 i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self->map, variant->type, i, i));
	EXPECT_EQ(ENTRIES, km_call(prog));
	EXPECT_EQ(is_array(variant->type) ? ENTRIES : 0, km_call(prog));
	EXPECT_EQ(is_array(variant->type) ? ENTRIES : 0, km_info(self->map).map.used);
}

struct changer {
	int map;
	__u32 type;
	bool stop;
};

static void *change(void *arg)
{
	struct changer *c = arg;

	for (__u32 i = 0; !__atomic_load_n(&c->stop, __ATOMIC_RELAXED); i++) {
		set(c->map, c->type, i % ENTRIES, i);
		km_del(c->map, i * 7 % ENTRIES);
	}
	return NULL;
}

/* However elements move, there are not more calls than the verifier has reckoned with. */
TEST_F(each, it_ends_under_change)
{
	struct changer c = { .map = self->map, .type = variant->type };
	int prog = load(self->dev, variant->engine, variant->flags, self->map, SUM);
	pthread_t thread;

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, pthread_create(&thread, NULL, change, &c));
	for (int i = 0; i < 2000; i++)
		ASSERT_GE(ENTRIES, (__u32)km_call(prog));
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
