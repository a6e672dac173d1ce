// SPDX-License-Identifier: GPL-2.0-only
/*
 * The number domain: every transfer function holds every concrete result.
 * Random sets at full width; selftests/prove tries all at small ones.
 */

#include <stdlib.h>

#include "kselftest_harness.h"

#include <uapi/linux/bpf.h>

#include "core/scalar.h"
#include "lib/concrete.h"

static const struct { u8 op; bool is_signed; } ops[] = {
	{ BPF_ADD, 0 }, { BPF_SUB, 0 }, { BPF_MUL, 0 }, { BPF_AND, 0 }, { BPF_OR, 0 },
	{ BPF_XOR, 0 }, { BPF_LSH, 0 }, { BPF_RSH, 0 }, { BPF_ARSH, 0 }, { BPF_DIV, 0 },
	{ BPF_MOD, 0 }, { BPF_DIV, 1 }, { BPF_MOD, 1 },
};

/* Random sets at full width: made from members outward, so that they have some. */
static u64 seed = 88172645463325252ULL;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u64 edgy(void)
{
	static const u64 edges[] = { 0, 1, ~0ULL, 1ULL << 63, (1ULL << 63) - 1, 1ULL << 31,
				     0x7fffffff, 0xffffffff, 1ULL << 32, 0xffffffff80000000ULL };
	u64 n = edges[rnd() % ARRAY_SIZE(edges)];

	switch (rnd() % 4) {
	case 0: return n + rnd() % 8 - 4;
	case 1: return rnd() % 256;
	case 2: return rnd() >> (rnd() % 64);
	default: return rnd();
	}
}

static struct kps_scalar around(u64 *member)
{
	struct kps_scalar s = kps_scalar_const(edgy()), other;
	u64 pick = s.bits.value;
	int n = rnd() % 4;

	while (n--) {
		u64 next = rnd() % 2 ? edgy() : pick + rnd() % 16;

		other = kps_scalar_const(next);
		kps_scalar_join(&s, &other);
		if (rnd() % 2)
			pick = next;
	}
	if (!(rnd() % 8))
		s = kps_scalar_any();
	*member = pick;
	return s;
}

#define ROUNDS 3000000

/* Of nothing: only with one has a test a time of its own to run. */
FIXTURE(domain)
{
};

FIXTURE_SETUP(domain)
{
	(void)self;
}

FIXTURE_TEARDOWN(domain)
{
	(void)self;
}

TEST_F_TIMEOUT(domain, scalar_alu_random, 300)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t op = rnd() % ARRAY_SIZE(ops);
		unsigned int w = rnd() % 2 ? 64 : 32;
		u64 x, y, z;
		struct kps_scalar a = around(&x), b = around(&y), r = a;

		kps_scalar_alu(ops[op].op, ops[op].is_signed, w, &r, &b);
		z = concrete_alu(ops[op].op, ops[op].is_signed, x, y, w);
		if (!kps_scalar_has(&r, z)) {
			TH_LOG("op %#x signed %d width %u: %llx, %llx -> %llx", ops[op].op,
			       ops[op].is_signed, w, x, y, z);
			ASSERT_TRUE(false);
		}
	}
}

TEST_F_TIMEOUT(domain, scalar_assume_random, 300)
{
	static const u8 jumps[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				    BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };

	for (int i = 0; i < ROUNDS; i++) {
		u8 op = jumps[rnd() % ARRAY_SIZE(jumps)];
		unsigned int w = rnd() % 2 ? 64 : 32;
		u64 x, y;
		struct kps_scalar a = around(&x), b = around(&y);
		bool taken = concrete_jump(op, x, y, w);

		if (!kps_scalar_assume(op, w, taken, &a, &b) || !kps_scalar_has(&a, x) ||
		    !kps_scalar_has(&b, y)) {
			TH_LOG("op %#x width %u taken %d: %llx, %llx", op, w, taken, x, y);
			ASSERT_TRUE(false);
		}
	}
}

TEST_F_TIMEOUT(domain, scalar_extend_random, 300)
{
	static const unsigned int widths[] = { 8, 16, 32 };

	for (int i = 0; i < ROUNDS; i++) {
		unsigned int from = widths[rnd() % 3], to = rnd() % 2 ? 64 : 32;
		u64 x;
		struct kps_scalar a = around(&x), z = a, s = a;

		kps_scalar_zext(&z, from);
		kps_scalar_sext(&s, from, to);
		ASSERT_TRUE(kps_scalar_has(&z, x & kps_width_mask(from)));
		ASSERT_TRUE(kps_scalar_has(&s, kps_sext(x, from) & kps_width_mask(to)));
	}
}

/* Both outcomes impossible, or an equality that forgets a known bit, is a bug. */
TEST_F_TIMEOUT(domain, scalar_precision, 300)
{
	struct kps_scalar i = kps_scalar_any(), ten = kps_scalar_const(10), t;

	ASSERT_TRUE(kps_scalar_assume(BPF_JLT, 32, true, &i, &ten));
	EXPECT_EQ(9u, i.r32.umax);
	EXPECT_EQ(0xffffffff00000009ULL, i.r64.umax);
	kps_scalar_zext(&i, 32);
	EXPECT_EQ(9u, i.r64.umax);
	t = i;
	EXPECT_FALSE(kps_scalar_assume(BPF_JGT, 64, true, &t, &ten));
	t = kps_scalar_any();
	ten = kps_scalar_const(4);
	ASSERT_TRUE(kps_scalar_assume(BPF_JSET, 64, true, &t, &ten));
	EXPECT_EQ(4u, t.bits.value);
}

TEST_HARNESS_MAIN
