// SPDX-License-Identifier: GPL-2.0-only
/*
 * More values that move together, and more pointers that may be NULL together, than a
 * comparison of two states remembers: what it does not remember must not count as equal.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/judge.h"

#define MAX_TEXT	65536
#define MAX_SLOTS	4096
#define WAYS		6
#define FIRST		504	/* the first of two values on the stack, and the second, */
#define SECOND		512	/* which are the last to be compared */

static const struct kps_map_facts maps[] = {
	{ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64, .max_entries = 1 },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 64, .max_entries = 16 },
};

FIXTURE(limits)
{
	char text[MAX_TEXT];
	size_t len;
};

FIXTURE_SETUP(limits)
{
	self->len = 0;
}

FIXTURE_TEARDOWN(limits)
{
	(void)self;
}

static __printf(2, 3) void say(struct _test_data_limits *self, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	self->len += vsnprintf(self->text + self->len, MAX_TEXT - self->len, format, args);
	va_end(args);
}

static int judge_within(struct _test_data_limits *self, u64 bytes)
{
	static struct bpf_insn insns[MAX_SLOTS];
	char err[128];
	int cnt = kt_asm(self->text, insns, MAX_SLOTS, err, sizeof(err));

	if (cnt < 0) {
		printf("# %s\n", err);
		return cnt;
	}
	return kt_judge_within(bytes, KAPSEL_PROG_NETFILTER, insns, cnt, maps,
			       ARRAY_SIZE(maps));
}

static int judge(struct _test_data_limits *self)
{
	return judge_within(self, 0);
}

/* A number in each slot but the last two, each with a link of its own. */
static void fill_numbers(struct _test_data_limits *self)
{
	int off;

	for (off = 8; off < FIRST; off += 8)
		say(self, "r2 = *(u64 *)(r9 + 152)\n*(u64 *)(r10 - %d) = r2\n", off);
	say(self, "r6 = *(u64 *)(r9 + 152)\nr2 = r6\nr7 = *(u64 *)(r9 + 152)\nr2 = r7\n");
}

/* The same of pointers that may be NULL; the first slot holds their key. */
static void fill_pointers(struct _test_data_limits *self)
{
	static const char lookup[] = "r1 = map[fd:1] ll\nr2 = r10\nr2 += -8\ncall 1\n";
	int off;

	say(self, "*(u64 *)(r10 - 8) = 1\n");
	for (off = 16; off < FIRST; off += 8)
		say(self, "%s*(u64 *)(r10 - %d) = r0\n", lookup, off);
	say(self, "%sr6 = r0\n%sr7 = r0\n%sr8 = r0\n%s", lookup, lookup, lookup, lookup);
}

/* All of them are read, so none is forgotten before. */
static void read_all(struct _test_data_limits *self)
{
	int off;

	for (off = 8; off < FIRST; off += 8)
		say(self, "r2 = *(u64 *)(r10 - %d)\n", off);
	say(self, "*(u64 *)(r10 - 8) = r6\n*(u64 *)(r10 - 8) = r7\nr0 = 1\nexit\n");
}

static void put_numbers(struct _test_data_limits *self, int apart, int most)
{
	say(self, "r3 = *(u32 *)(r9 + 4)\nif r3 > %d goto out\n*(u64 *)(r10 - %d) = r3\n"
	    "r3 += %d\n*(u64 *)(r10 - %d) = r3\n", most, FIRST, apart, SECOND);
}

/* The first is tested, the second is used. */
static void use_numbers(struct _test_data_limits *self)
{
	say(self, "r3 = *(u64 *)(r10 - %d)\nr4 = *(u64 *)(r10 - %d)\nif r3 > 63 goto out\n"
	    "r5 = map[fd:0] + 0 ll\nr5 += r4\n*(u8 *)(r5 + 0) = 0\n", FIRST, SECOND);
	read_all(self);
	say(self, "out: r0 = 1\nexit\n");
}

static int numbers_on_two_ways(struct _test_data_limits *self, int apart)
{
	self->len = 0;
	say(self, "r9 = r1\n");
	fill_numbers(self);
	say(self, "r8 = *(u32 *)(r9 + 0)\nif r8 == 0 goto other\n");
	put_numbers(self, 0, 1000);
	say(self, "goto both\nother:\n");
	put_numbers(self, apart, 500);
	say(self, "both:\n");
	use_numbers(self);
	return judge(self);
}

TEST_F_TIMEOUT(limits, links_compared, 300)
{
	EXPECT_EQ(0, numbers_on_two_ways(self, 0));
	EXPECT_EQ(KPS_D_UPPER, numbers_on_two_ways(self, 10));
}

/* So many that some are joined at once; on one of them the two numbers are apart. */
static int numbers_on_many_ways(struct _test_data_limits *self, int which)
{
	int i;

	self->len = 0;
	say(self, "r9 = r1\n");
	for (i = 0; i < WAYS; i++) {
		say(self, "r8 = *(u32 *)(r9 + 0)\nif r8 != %d goto way%d\n", i, i);
		fill_numbers(self);
		put_numbers(self, i == which ? 10 : 0, 1000);
		say(self, "goto all\nway%d:\n", i);
	}
	say(self, "goto out\nall:\n");
	use_numbers(self);
	return judge(self);
}

TEST_F_TIMEOUT(limits, links_of_many_ways, 300)
{
	int which;

	EXPECT_EQ(0, numbers_on_many_ways(self, -1));
	for (which = 0; which < WAYS; which++)
		EXPECT_EQ(KPS_D_UPPER, numbers_on_many_ways(self, which)) {
			TH_LOG("way %d", which);
		}
}

static int numbers_in_a_loop(struct _test_data_limits *self, int apart)
{
	self->len = 0;
	say(self, "r9 = r1\nr8 = 0\n");
	fill_numbers(self);
	put_numbers(self, 0, 1000);
	say(self, "loop: if r8 > 2 goto done\n");
	fill_numbers(self);
	put_numbers(self, apart, 500);
	say(self, "r8 += 1\ngoto loop\ndone:\n");
	use_numbers(self);
	return judge(self);
}

TEST_F_TIMEOUT(limits, links_joined, 300)
{
	EXPECT_EQ(0, numbers_in_a_loop(self, 0));
	EXPECT_EQ(KPS_D_UPPER, numbers_in_a_loop(self, 10));
}

/* The one that is @tested is not NULL; the second is used. */
static void use_pointers(struct _test_data_limits *self, int tested)
{
	say(self, "r3 = *(u64 *)(r10 - %d)\nr4 = *(u64 *)(r10 - %d)\nr0 = 1\n"
	    "if %s == 0 goto out\n*(u8 *)(r4 + 0) = 0\n", FIRST, SECOND,
	    tested == FIRST ? "r3" : "r4");
	for (int off = 16; off < FIRST; off += 8)
		say(self, "r2 = *(u64 *)(r10 - %d)\n", off);
	say(self, "r2 = r6\nr2 = r7\nr2 = r8\nout: exit\n");
}

static int pointers_on_two_ways(struct _test_data_limits *self, int tested)
{
	self->len = 0;
	say(self, "r9 = *(u32 *)(r1 + 0)\n");
	fill_pointers(self);
	say(self, "*(u64 *)(r10 - %d) = r0\n*(u64 *)(r10 - %d) = r0\n"
	    "if r9 == 0 goto both\n*(u64 *)(r10 - %d) = r8\nboth:\n", FIRST, SECOND, SECOND);
	use_pointers(self, tested);
	return judge(self);
}

TEST_F_TIMEOUT(limits, null_tests_compared, 300)
{
	EXPECT_EQ(0, pointers_on_two_ways(self, SECOND));
	EXPECT_EQ(KPS_D_NULL, pointers_on_two_ways(self, FIRST));
}

static int pointers_in_a_loop(struct _test_data_limits *self, int tested)
{
	self->len = 0;
	say(self, "r9 = 0\n");
	fill_pointers(self);
	say(self, "*(u64 *)(r10 - %d) = r0\n*(u64 *)(r10 - %d) = r0\n"
	    "loop: if r9 > 2 goto done\n", FIRST, SECOND);
	fill_pointers(self);
	say(self, "*(u64 *)(r10 - %d) = r0\n*(u64 *)(r10 - %d) = r8\n"
	    "r9 += 1\ngoto loop\ndone:\n", FIRST, SECOND);
	use_pointers(self, tested);
	return judge(self);
}

TEST_F_TIMEOUT(limits, null_tests_joined, 300)
{
	EXPECT_EQ(0, pointers_in_a_loop(self, SECOND));
	EXPECT_EQ(KPS_D_NULL, pointers_in_a_loop(self, FIRST));
}

/* So many that some are joined at once; on one of them the second is another pointer. */
static int pointers_on_many_ways(struct _test_data_limits *self, int which)
{
	int i;

	self->len = 0;
	say(self, "r9 = r1\n");
	for (i = 0; i < WAYS; i++) {
		say(self, "r8 = *(u32 *)(r9 + 0)\nif r8 != %d goto way%d\n", i, i);
		fill_pointers(self);
		say(self, "*(u64 *)(r10 - %d) = r0\n*(u64 *)(r10 - %d) = %s\n"
		    "goto all\nway%d:\n", FIRST, SECOND, i == which ? "r8" : "r0", i);
	}
	say(self, "r0 = 1\ngoto out\nall:\n");
	use_pointers(self, FIRST);
	return judge(self);
}

TEST_F_TIMEOUT(limits, null_tests_of_many_ways, 300)
{
	int which;

	for (which = 0; which < WAYS; which++)
		EXPECT_EQ(KPS_D_NULL, pointers_on_many_ways(self, which)) {
			TH_LOG("way %d", which);
		}
}

static void say_loop(struct _test_data_limits *self, const char *name, int back)
{
	say(self, "r8 = *(u32 *)(r7 + 8)\nif r8 > 99 goto out\n%s:\n", name);
	say(self, "r2 = *(u32 *)(r7 + 12)\nif r2 == 0 goto %s_up\nif r8 s< 5 goto %s_up\n",
	    name, name);
	say(self, "r8 -= %d\n%s_up:\nr8 += 2\nif r8 s< 100 goto %s\n", back, name, name);
}

/*
 * The second loop has no end: one way through it undoes the other's progress. By then
 * @sums values were made of others, the first loop left states to use again, and memory
 * may be out at just the piece that would hold from where the second is measured.
 */
static int endless_within(struct _test_data_limits *self, int sums, u64 bytes)
{
	self->len = 0;
	say(self, "r7 = r1\nr0 = 1\n");
	say_loop(self, "one", 1);
	say(self, "r3 = *(u32 *)(r7 + 8)\nr4 = *(u32 *)(r7 + 12)\nr5 = r3\n");
	while (sums--)
		say(self, "r3 += r4\n");
	say_loop(self, "two", 5);
	say(self, "out: exit\n");
	return judge_within(self, bytes);
}

TEST_F_TIMEOUT(limits, memory_ends_anywhere, 300)
{
	u64 bytes;
	int sums;

	ASSERT_EQ(KPS_D_ENDLESS, endless_within(self, 8, 0));
	for (sums = 8; sums < 700; sums += 8)
		for (bytes = 16 << 10; bytes <= 64 << 10; bytes += 8 << 10)
			ASSERT_EQ(KPS_D_BUDGET_MEMORY, endless_within(self, sums, bytes)) {
				TH_LOG("%d sums, %llu bytes", sums, bytes);
			}
}

TEST_HARNESS_MAIN
