// SPDX-License-Identifier: GPL-2.0-only
/* bpf_map_lookup_elem() as each engine does it, by kind of map and of key */

#include <limits.h>
#include <sched.h>

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define NONE	0xdeadULL	/* what the programs return when there is no value */
#define R_DI	14		/* of struct pt_regs, in words */

FIXTURE(lookup) {
	int dev;
};

FIXTURE_VARIANT(lookup) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(lookup, interp) {
	.engine = KAPSEL_ENGINE_INTERP,
};

FIXTURE_VARIANT_ADD(lookup, jit) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_SETUP(lookup)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	if (!(abi.engines & 1 << variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
}

FIXTURE_TEARDOWN(lookup)
{
	close(self->dev);
}

/* A program that stores a key by @store and returns the value's first word. */
static int load(int dev, __u32 engine, int map, const char *store)
{
	struct kapsel_prog_load arg = { .engine = engine };
	char text[512];

	snprintf(text, sizeof(text),
		 "%s\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\ncall 1\n"
		 "if r0 == 0 goto none\nr0 = *(u32 *)(r0 + 0)\nexit\nnone: r0 = 0xdead\nexit\n",
		 store, map);
	return km_load_arg(dev, &arg, KAPSEL_PROG_KPROBE, text);
}

static __u64 run(int prog, __u64 di)
{
	__u64 regs[21] = { [R_DI] = di }, ret;
	int err = km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret);

	return err ? (__u64)(long)err : ret;
}

/* Value n begins with the word 100 + n; -errno if it can't be stored. */
static int fill(int map, __u32 key_size, __u32 value_size, __u32 entries)
{
	char value[4096] = "";
	int err = 0;

	for (__u64 key = 0; key < entries && !err; key++) {
		__u32 word = 100 + key;

		for (__u32 at = 0; at < value_size; at += 8)
			memcpy(value + at, &word, sizeof(word));
		err = km_elem(map, KAPSEL_MAP_UPDATE, &key, key_size, value, value_size, 0);
	}
	return err;
}

#define KEY_FROM_DI	"r3 = *(u64 *)(r1 + 112)\n*(u64 *)(r10 - 8) = r3"

static const __u64 keys[] = {
	0, 1, 2, 4, 5, 6, 7, 8, 63, 64, 999, 1000, INT_MAX, 0x80000000, 0xfffffffe, 0xffffffff,
};

static const struct {
	__u32 value_size;
	__u32 entries;
} arrays[] = {
	{ 4, 1 }, { 8, 2 }, { 20, 5 }, { 24, 7 }, { 64, 8 }, { 100, 64 }, { 4, 1000 },
};

TEST_F(lookup, array_by_register)
{
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, arrays[i].value_size,
				 arrays[i].entries, 0);
		int prog = load(self->dev, variant->engine, map, KEY_FROM_DI);

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, fill(map, 4, arrays[i].value_size, arrays[i].entries));
		for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
			EXPECT_EQ(keys[j] < arrays[i].entries ? 100 + keys[j] : NONE,
				  run(prog, keys[j]));
		close(prog);
		close(map);
	}
}

TEST_F(lookup, array_by_constant)
{
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, arrays[i].value_size,
				 arrays[i].entries, 0);

		ASSERT_EQ(0, fill(map, 4, arrays[i].value_size, arrays[i].entries));
		for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
			char store[64];
			int prog;

			snprintf(store, sizeof(store), "*(u32 *)(r10 - 8) = %d", (int)keys[j]);
			prog = load(self->dev, variant->engine, map, store);
			ASSERT_LE(0, prog);
			EXPECT_EQ(keys[j] < arrays[i].entries ? 100 + keys[j] : NONE,
				  run(prog, 0));
			close(prog);
		}
		close(map);
	}
}

/* Two constants meet: which it is, is not known before it runs. */
TEST_F(lookup, array_by_path)
{
	int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 16, 6, 0);
	int prog = load(self->dev, variant->engine, map,
			"r3 = *(u64 *)(r1 + 112)\n*(u32 *)(r10 - 8) = 3\n"
			"if r3 != 0 goto there\n*(u32 *)(r10 - 8) = 5\nthere:");

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, fill(map, 4, 16, 6));
	EXPECT_EQ(105, run(prog, 0));
	EXPECT_EQ(103, run(prog, 1));
}

/* What a program stores through the address is in the map. */
TEST_F(lookup, address_is_the_map_s)
{
	struct kapsel_prog_load arg = { .engine = variant->engine };
	int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	char text[512];
	int prog;

	snprintf(text, sizeof(text),
		 "*(u32 *)(r10 - 4) = 2\nr1 = map[fd:%d] ll\nr2 = r10\nr2 += -4\ncall 1\n"
		 "if r0 == 0 goto none\nr1 = 7\nlock *(u64 *)(r0 + 0) += r1\nnone: r0 = 0\nexit\n",
		 map);
	prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
	ASSERT_LE(0, prog);
	EXPECT_EQ(0, run(prog, 0));
	EXPECT_EQ(0, run(prog, 0));
	EXPECT_EQ(14, km_value(map, 2));
	EXPECT_EQ(0, km_value(map, 1));
}

/* The program keeps the map, though nobody else does. */
TEST_F(lookup, map_outlives_its_file)
{
	int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
	int prog = load(self->dev, variant->engine, map, KEY_FROM_DI);

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, fill(map, 4, 8, 3));
	close(map);
	usleep(100000);
	EXPECT_EQ(102, run(prog, 2));
	EXPECT_EQ(NONE, run(prog, 3));
}

static const struct {
	__u32 type;
	__u32 key_size;
} others[] = {
	{ BPF_MAP_TYPE_HASH, 4 }, { BPF_MAP_TYPE_HASH, 8 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4 }, { BPF_MAP_TYPE_PERCPU_ARRAY, 4 },
};

/* A per-CPU value is stored by a program, on the CPU that then looks it up. */
TEST_F(lookup, other_maps)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(first), &first));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		int map = km_map(self->dev, others[i].type, others[i].key_size, 8, 8, 0);
		int prog = load(self->dev, variant->engine, map,
				"r6 = *(u64 *)(r1 + 112)\n*(u64 *)(r10 - 8) = r6\n"
				"*(u64 *)(r10 - 16) = 7");
		int store = km_kprobe(self->dev, "r6 = *(u64 *)(r1 + 112)\n"
				      "*(u64 *)(r10 - 8) = r6\nr6 += 100\n*(u64 *)(r10 - 16) = r6\n"
				      "r1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\nr3 = r10\n"
				      "r3 += -16\nr4 = 0\ncall 2\nexit\n", map);

		ASSERT_LE(0, prog);
		ASSERT_LE(0, store);
		for (__u64 key = 0; key < 9; key++) {
			__u64 there = run(store, key) ? NONE : 100 + key;

			EXPECT_EQ(key < 8 ? 100 + key : NONE, there);
			EXPECT_EQ(there, run(prog, key));
		}
		EXPECT_EQ(NONE, run(prog, 0xffffffff));
		close(store);
		close(prog);
		close(map);
	}
}

TEST_HARNESS_MAIN
