// SPDX-License-Identifier: GPL-2.0-only
/* What is proved of the verdicts that a program may return: hooks rely on it */

#include <limits.h>
#include <stdio.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/judge.h"

#define MAX_SLOTS 64

static const struct {
	const char *what;
	const char *text;
	s64 min, max;
} cases[] = {
	{ "passes", "r0 = 1\nexit\n", 1, 1 },
	{ "drops", "r0 = 0\nexit\n", 0, 0 },
	{ "drops what is long",
	  "r2 = *(u32 *)(r1 + 0)\nr0 = 1\nif r2 < 100 goto out\nr0 = 0\nout:\nexit\n", 0, 1 },
	{ "drops behind an exit of its own",
	  "r2 = *(u32 *)(r1 + 0)\nif r2 < 100 goto out\nr0 = 0\nexit\nout:\nr0 = 1\nexit\n",
	  0, 1 },
	{ "a bit of a number",
	  "r0 = *(u32 *)(r1 + 0)\nr0 &= 1\nexit\n", 0, 1 },
	{ "drops where no path leads",
	  "r2 = 5\nr0 = 1\nif r2 == 5 goto out\nr0 = 0\nout:\nexit\n", 1, 1 },
	{ "a function's number is no verdict",
	  "call fn\nr0 = 1\nexit\nfn:\nr0 = 0\nexit\n", 1, 1 },
	{ "a function's number is the verdict", "call fn\nexit\nfn:\nr0 = 0\nexit\n", 0, 0 },
	{ "drops in the middle of a loop",
	  "r3 = *(u32 *)(r1 + 0)\nr6 = 0\nagain:\nif r3 == 7 goto bad\nr3 += 3\n"
	  "r6 += 1\nif r6 < 1000 goto again\nr0 = 1\nexit\nbad:\nr0 = 0\nexit\n", 0, 1 },
	{ "a verdict that a loop turns",
	  "r0 = 1\nr6 = 0\nagain:\nr0 ^= 1\nr6 += 1\nif r6 < 1001 goto again\n"
	  "r0 &= 1\nexit\n", 0, 1 },
};

static int returns_of(u32 type, const char *text, struct kt_returns *returns)
{
	struct bpf_insn insns[MAX_SLOTS];
	char err[128];
	int cnt = kt_asm(text, insns, MAX_SLOTS, err, sizeof(err));

	if (cnt < 0)
		return cnt;
	return kt_judge_returns(type, insns, cnt, NULL, 0, returns);
}

TEST(verdicts)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kt_returns returns;

		ASSERT_EQ(0, returns_of(KAPSEL_PROG_NETFILTER, cases[i].text, &returns)) {
			TH_LOG("%s", cases[i].what);
		}
		EXPECT_EQ(cases[i].min, returns.min) {
			TH_LOG("%s", cases[i].what);
		}
		EXPECT_EQ(cases[i].max, returns.max) {
			TH_LOG("%s", cases[i].what);
		}
	}
}

#define PACKET	"r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\n"			\
		"r4 = r2\nr4 += 8\nif r4 > r3 goto out\n"

/* A hook copies the packet for those that write to it, and for no others. */
TEST(writes)
{
	static const struct {
		const char *text;
		bool writes;
	} rows[] = {
		{ PACKET "r0 = *(u8 *)(r2 + 0)\nout:\nr0 = 1\nexit\n", false },
		{ PACKET "*(u8 *)(r2 + 0) = 1\nout:\nr0 = 1\nexit\n", true },
		{ PACKET "r5 = 0\nagain:\n*(u8 *)(r2 + 0) = 1\nr5 += 1\n"
		  "if r5 < 100 goto again\nout:\nr0 = 1\nexit\n", true },
		{ PACKET "r5 = 0\nagain:\nr0 = *(u8 *)(r2 + 0)\nr5 += 1\n"
		  "if r5 < 100 goto again\nout:\nr0 = 1\nexit\n", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kt_returns returns;

		ASSERT_EQ(0, returns_of(KAPSEL_PROG_NETFILTER, rows[i].text, &returns));
		EXPECT_EQ(rows[i].writes, returns.writes_packet) {
			TH_LOG("%s", rows[i].text);
		}
	}
}

/* Nobody looks at what a probe returns, be it an address. */
TEST(nothing_is_said_of_a_probe)
{
	static const char *const texts[] = { "r0 = 1\nexit\n", "r0 = r10\nexit\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct kt_returns returns;

		ASSERT_EQ(0, returns_of(KAPSEL_PROG_KPROBE, texts[i], &returns));
		EXPECT_LT(returns.max, returns.min);
	}
}

TEST_HARNESS_MAIN
