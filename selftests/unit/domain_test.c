// SPDX-License-Identifier: GPL-2.0-only
/*
 * The number domain: every transfer function holds every concrete result.
 * Exhaustive at small widths, where the code is the same as at 32 and 64 bits;
 * random at full width.
 */

#include <stdlib.h>

#include "kselftest_harness.h"

#include <uapi/linux/bpf.h>

#include "core/scalar.h"

static u64 concrete(u8 op, bool is_signed, u64 a, u64 b, unsigned int w)
{
	u64 all = kps_width_mask(w);
	s64 x, y;

	a &= all;
	b &= all;
	x = kps_sext(a, w);
	y = kps_sext(b, w);
	switch (op) {
	case BPF_ADD: return (a + b) & all;
	case BPF_SUB: return (a - b) & all;
	case BPF_MUL: return (a * b) & all;
	case BPF_AND: return a & b;
	case BPF_OR: return a | b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return (a << (b & (w - 1))) & all;
	case BPF_RSH: return a >> (b & (w - 1));
	case BPF_ARSH: return (u64)(x >> (b & (w - 1))) & all;
	case BPF_DIV:
		if (!b)
			return 0;
		if (is_signed)
			return (y == -1 ? -(u64)x : (u64)(x / y)) & all;
		return a / b;
	default:
		if (!b)
			return a;
		if (is_signed)
			return y == -1 ? 0 : (u64)(x % y) & all;
		return a % b;
	}
}

typedef struct kps_tnum (*tnum_fn)(struct kps_tnum, struct kps_tnum);
typedef struct kps_range (*range_fn)(struct kps_range, struct kps_range, unsigned int);

static const struct { u8 op; bool is_signed; tnum_fn tnum; range_fn range; } ops[] = {
	{ BPF_ADD, 0, kps_tnum_add, kps_range_add }, { BPF_SUB, 0, kps_tnum_sub, kps_range_sub },
	{ BPF_MUL, 0, kps_tnum_mul, kps_range_mul }, { BPF_AND, 0, kps_tnum_and, kps_range_and },
	{ BPF_OR, 0, kps_tnum_or, kps_range_or }, { BPF_XOR, 0, kps_tnum_xor, NULL },
	{ BPF_LSH, 0, NULL, kps_range_lsh }, { BPF_RSH, 0, NULL, kps_range_rsh },
	{ BPF_ARSH, 0, NULL, kps_range_arsh }, { BPF_DIV, 0, NULL, kps_range_div },
	{ BPF_MOD, 0, NULL, kps_range_mod }, { BPF_DIV, 1, NULL, kps_range_sdiv },
	{ BPF_MOD, 1, NULL, kps_range_smod },
};

#define TNUM_WIDTH	5
#define RANGE_WIDTH	4
#define STRIDE		499

static u32 all_tnums(struct kps_tnum *out, unsigned int w)
{
	u64 n, members = 1ULL << (2 * w);
	u32 cnt = 0;

	for (n = 0; n < members; n++) {
		struct kps_tnum t = kps_tnum(n >> w, n & kps_width_mask(w));

		if (!(t.value & t.mask))
			out[cnt++] = t;
	}
	return cnt;
}

/* Does @r hold the result for every pair of members? */
static bool tnum_holds(size_t op, struct kps_tnum a, struct kps_tnum b, struct kps_tnum r)
{
	u64 n, x, y;

	for (n = 0; n < 1 << (2 * TNUM_WIDTH); n++) {
		x = n >> TNUM_WIDTH;
		y = n & kps_width_mask(TNUM_WIDTH);
		if (kps_tnum_has(a, x) && kps_tnum_has(b, y) &&
		    !kps_tnum_has(r, concrete(ops[op].op, 0, x, y, TNUM_WIDTH)))
			return false;
	}
	return true;
}

static bool tnum_op_holds(size_t op, const struct kps_tnum *sets, u32 cnt)
{
	struct kps_tnum r;
	u32 i, j;

	for (i = 0; i < cnt; i++) {
		for (j = 0; j < cnt; j++) {
			r = kps_tnum_cut(ops[op].tnum(sets[i], sets[j]), TNUM_WIDTH);
			if (!tnum_holds(op, sets[i], sets[j], r))
				return false;
		}
	}
	return true;
}

/* All pairs of tnums of 5 bits, all pairs of members. */
TEST(tnum_exhaustive)
{
	static struct kps_tnum sets[1 << (2 * TNUM_WIDTH)];
	u32 cnt = all_tnums(sets, TNUM_WIDTH);
	size_t op;

	ASSERT_EQ(243, cnt);
	for (op = 0; op < ARRAY_SIZE(ops); op++)
		EXPECT_TRUE(!ops[op].tnum || tnum_op_holds(op, sets, cnt));
}

/* Every non-empty range whose two readings agree. */
static u32 all_ranges(struct kps_range *out, unsigned int w)
{
	u64 n, all = kps_width_mask(w);
	u32 cnt = 0;

	for (n = 0; n < 1ULL << (4 * w); n++) {
		struct kps_range r = {
			n & all, n >> w & all,
			kps_sext(n >> (2 * w), w), kps_sext(n >> (3 * w), w),
		}, full = r;

		if (kps_range_agree(&r, w) && kps_range_in(full, r))
			out[cnt++] = r;
	}
	return cnt;
}

static bool range_holds(size_t op, struct kps_range a, struct kps_range b, bool *some)
{
	struct kps_range r = ops[op].range(a, b, RANGE_WIDTH);
	u64 n, x, y;

	for (n = 0; n < 1 << (2 * RANGE_WIDTH); n++) {
		x = n >> RANGE_WIDTH;
		y = n & kps_width_mask(RANGE_WIDTH);
		if (!kps_range_has(a, x, RANGE_WIDTH) || !kps_range_has(b, y, RANGE_WIDTH))
			continue;
		*some = true;
		if (!kps_range_has(r, concrete(ops[op].op, ops[op].is_signed, x, y, RANGE_WIDTH),
				   RANGE_WIDTH))
			return false;
	}
	return !*some || kps_range_agree(&r, RANGE_WIDTH);
}

/* Every range of 4 bits as the left operand, a stride of them as the right one. */
TEST(range_exhaustive)
{
	static struct kps_range sets[1 << (4 * RANGE_WIDTH)];
	u32 cnt = all_ranges(sets, RANGE_WIDTH), i, j;
	size_t op;

	ASSERT_GT(cnt, 100);
	for (op = 0; op < ARRAY_SIZE(ops); op++) {
		for (i = 0; ops[op].range && i < cnt; i++) {
			for (j = i % STRIDE; j < cnt; j += STRIDE) {
				bool some = false;

				ASSERT_TRUE(range_holds(op, sets[i], sets[j], &some)) {
					TH_LOG("op %#x signed %d, sets %u and %u", ops[op].op,
					       ops[op].is_signed, i, j);
				}
			}
		}
	}
}

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

TEST(scalar_alu_random)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t op = rnd() % ARRAY_SIZE(ops);
		unsigned int w = rnd() % 2 ? 64 : 32;
		u64 x, y, z;
		struct kps_scalar a = around(&x), b = around(&y), r = a;

		kps_scalar_alu(ops[op].op, ops[op].is_signed, w, &r, &b);
		z = concrete(ops[op].op, ops[op].is_signed, x, y, w);
		if (!kps_scalar_has(&r, z)) {
			TH_LOG("op %#x signed %d width %u: %llx, %llx -> %llx", ops[op].op,
			       ops[op].is_signed, w, x, y, z);
			ASSERT_TRUE(false);
		}
	}
}

static bool compare(u8 op, unsigned int w, u64 a, u64 b)
{
	s64 x = kps_sext(a, w), y = kps_sext(b, w);

	a &= kps_width_mask(w);
	b &= kps_width_mask(w);
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSGT: return x > y;
	case BPF_JSGE: return x >= y;
	case BPF_JSLT: return x < y;
	case BPF_JSLE: return x <= y;
	default: return a & b;
	}
}

TEST(scalar_assume_random)
{
	static const u8 jumps[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				    BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };

	for (int i = 0; i < ROUNDS; i++) {
		u8 op = jumps[rnd() % ARRAY_SIZE(jumps)];
		unsigned int w = rnd() % 2 ? 64 : 32;
		u64 x, y;
		struct kps_scalar a = around(&x), b = around(&y);
		bool taken = compare(op, w, x, y);

		if (!kps_scalar_assume(op, w, taken, &a, &b) || !kps_scalar_has(&a, x) ||
		    !kps_scalar_has(&b, y)) {
			TH_LOG("op %#x width %u taken %d: %llx, %llx", op, w, taken, x, y);
			ASSERT_TRUE(false);
		}
	}
}

TEST(scalar_extend_random)
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
TEST(scalar_precision)
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
