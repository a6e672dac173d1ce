// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - what is known of a number: bits and ranges together */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/scalar.h"

#define HIGH_HALF	(~0ULL << 32)

struct kps_scalar kps_scalar_any(void)
{
	return (struct kps_scalar){
		kps_tnum(0, ~0ULL), kps_range_full(64), kps_range_full(32),
	};
}

struct kps_scalar kps_scalar_const(u64 n)
{
	return (struct kps_scalar){
		kps_tnum_const(n), kps_range_const(n, 64), kps_range_const(n, 32),
	};
}

bool kps_scalar_has(const struct kps_scalar *s, u64 n)
{
	return kps_tnum_has(s->bits, n) && kps_range_has(s->r64, n, 64) &&
	       kps_range_has(s->r32, n, 32);
}

bool kps_scalar_in(const struct kps_scalar *a, const struct kps_scalar *b)
{
	return kps_range_in(a->r64, b->r64) && kps_tnum_in(a->bits, b->bits) &&
	       kps_range_in(a->r32, b->r32);
}

/* The smallest and the largest member of a tnum, in both readings. */
static bool bits_bound_range(struct kps_tnum bits, struct kps_range *r,
			     unsigned int width)
{
	u64 sign = 1ULL << (width - 1);
	struct kps_range b = {
		.umin = bits.value,
		.umax = bits.value | bits.mask,
		.smin = kps_sext(bits.value | (bits.mask & sign), width),
		.smax = kps_sext(bits.value | (bits.mask & ~sign), width),
	};

	return kps_range_meet(r, b);
}

static bool range_bounds_bits(struct kps_scalar *s)
{
	struct kps_tnum low = kps_tnum_range(s->r32.umin, s->r32.umax);

	low.mask |= HIGH_HALF;
	return kps_tnum_meet(s->bits, low, &s->bits) &&
	       kps_tnum_meet(s->bits, kps_tnum_range(s->r64.umin, s->r64.umax), &s->bits);
}

/*
 * While the high half doesn't change, or only from all ones to all zeros, the low
 * half runs through one interval.
 */
static bool full_bounds_half(struct kps_scalar *s)
{
	struct kps_range low = kps_range_full(32);

	if (s->r64.umin >> 32 == s->r64.umax >> 32) {
		low.umin = (u32)s->r64.umin;
		low.umax = (u32)s->r64.umax;
	} else if (s->r64.smin >> 32 == s->r64.smax >> 32) {
		low.umin = (u32)s->r64.smin;
		low.umax = (u32)s->r64.smax;
	}
	if (s->r64.smin >= S32_MIN && s->r64.smax <= S32_MAX) {
		low.smin = s->r64.smin;
		low.smax = s->r64.smax;
	}
	return kps_range_meet(&s->r32, low);
}

/* The smallest number from @n up whose low half is in [lo, hi]. */
static bool round_up_low(u64 n, u64 lo, u64 hi, u64 *out)
{
	u64 high = n & HIGH_HALF, low = (u32)n;

	if (low > hi) {
		if (high == HIGH_HALF)
			return false;
		high += 1ULL << 32;
		low = lo;
	}
	*out = high | max(low, lo);
	return true;
}

/* The largest number from @n down whose low half is in [lo, hi]. */
static bool round_down_low(u64 n, u64 lo, u64 hi, u64 *out)
{
	u64 high = n & HIGH_HALF, low = (u32)n;

	if (low < lo) {
		if (!high)
			return false;
		high -= 1ULL << 32;
		low = hi;
	}
	*out = high | min(low, hi);
	return true;
}

static bool half_bounds_full(struct kps_scalar *s)
{
	const struct kps_range *low = &s->r32;
	u64 bias = 1ULL << 63, smin, smax;

	if (!round_up_low(s->r64.umin, low->umin, low->umax, &s->r64.umin) ||
	    !round_down_low(s->r64.umax, low->umin, low->umax, &s->r64.umax) ||
	    !round_up_low((u64)s->r64.smin ^ bias, low->umin, low->umax, &smin) ||
	    !round_down_low((u64)s->r64.smax ^ bias, low->umin, low->umax, &smax))
		return false;
	s->r64.smin = smin ^ bias;
	s->r64.smax = smax ^ bias;
	return s->r64.umin <= s->r64.umax && s->r64.smin <= s->r64.smax;
}

static bool sync_once(struct kps_scalar *s)
{
	return bits_bound_range(s->bits, &s->r64, 64) &&
	       bits_bound_range(kps_tnum_cut(s->bits, 32), &s->r32, 32) &&
	       kps_range_agree(&s->r64, 64) && full_bounds_half(s) &&
	       kps_range_agree(&s->r32, 32) && half_bounds_full(s) &&
	       kps_range_agree(&s->r64, 64) && range_bounds_bits(s);
}

static bool same(const struct kps_scalar *a, const struct kps_scalar *b)
{
	return a->bits.mask == b->bits.mask && a->r64.umin == b->r64.umin &&
	       a->r64.umax == b->r64.umax && a->r64.smin == b->r64.smin &&
	       a->r64.smax == b->r64.smax && a->r32.umin == b->r32.umin &&
	       a->r32.umax == b->r32.umax && a->r32.smin == b->r32.smin &&
	       a->r32.smax == b->r32.smax;
}

/* Each step only narrows, so stopping after two rounds is sound. */
static bool sync(struct kps_scalar *s)
{
	struct kps_scalar before = *s;

	return sync_once(s) && (same(s, &before) || sync_once(s));
}

/* Results of arithmetic on non-empty sets are not empty: sync() can't fail. */
static void settle(struct kps_scalar *s)
{
	if (kps_scalar_is_const(s))
		*s = kps_scalar_const(s->bits.value);
	else if (!sync(s))
		*s = kps_scalar_any();
}

struct kps_scalar kps_scalar_unsigned(u64 min, u64 max)
{
	struct kps_scalar s = kps_scalar_any();

	s.r64.umin = min;
	s.r64.umax = max;
	settle(&s);
	return s;
}

struct kps_scalar kps_scalar_signed(s64 min, s64 max)
{
	struct kps_scalar s = kps_scalar_any();

	s.r64.smin = min;
	s.r64.smax = max;
	settle(&s);
	return s;
}

void kps_scalar_join(struct kps_scalar *a, const struct kps_scalar *b)
{
	a->bits = kps_tnum_join(a->bits, b->bits);
	a->r64 = kps_range_join(a->r64, b->r64);
	a->r32 = kps_range_join(a->r32, b->r32);
}

bool kps_scalar_meet(struct kps_scalar *a, const struct kps_scalar *b)
{
	return kps_tnum_meet(a->bits, b->bits, &a->bits) &&
	       kps_range_meet(&a->r64, b->r64) &&
	       kps_range_meet(&a->r32, b->r32) && sync(a);
}

static struct kps_range range_alu(u8 op, bool is_signed, struct kps_range a,
				  struct kps_range b, unsigned int width)
{
	switch (op) {
	case BPF_ADD:
		return kps_range_add(a, b, width);
	case BPF_SUB:
		return kps_range_sub(a, b, width);
	case BPF_MUL:
		return kps_range_mul(a, b, width);
	case BPF_AND:
		return kps_range_and(a, b, width);
	case BPF_OR:
		return kps_range_or(a, b, width);
	case BPF_LSH:
		return kps_range_lsh(a, b, width);
	case BPF_RSH:
		return kps_range_rsh(a, b, width);
	case BPF_ARSH:
		return kps_range_arsh(a, b, width);
	case BPF_DIV:
		return is_signed ? kps_range_sdiv(a, b, width) : kps_range_div(a, b, width);
	case BPF_MOD:
		return is_signed ? kps_range_smod(a, b, width) : kps_range_mod(a, b, width);
	default:
		return kps_range_full(width);
	}
}

/* @b is constant where shifts are concerned; @a is already cut to the width. */
static struct kps_tnum bits_shift(u8 op, struct kps_tnum a, struct kps_tnum b,
				  unsigned int width)
{
	unsigned int n = b.value & (width - 1);

	if (b.mask)
		return kps_tnum(0, ~0ULL);
	if (op == BPF_LSH)
		return kps_tnum_lsh(a, n);
	if (op == BPF_RSH)
		return kps_tnum_rsh(a, n);
	return kps_tnum_arsh(kps_tnum_sext(a, width), n);
}

static u64 const_div(u8 op, bool is_signed, u64 a, u64 b, unsigned int width)
{
	struct kps_range x = kps_range_const(a, width), y = kps_range_const(b, width);

	x = range_alu(op, is_signed, x, y, width);
	return is_signed ? (u64)x.smin : x.umin;
}

/* A quotient of constants is one number unless it overflows: -MIN / -1 = MIN. */
static struct kps_tnum bits_div(u8 op, bool is_signed, struct kps_tnum a,
				struct kps_tnum b, unsigned int width)
{
	u64 n = b.value & kps_width_mask(width);

	if (a.mask || b.mask)
		return kps_tnum(0, ~0ULL);
	if (!n)
		return op == BPF_DIV ? kps_tnum_const(0) : a;
	if (is_signed && n == kps_width_mask(width))
		return op == BPF_DIV ? kps_tnum_const(-a.value) : kps_tnum_const(0);
	if (op == BPF_DIV)
		return kps_tnum_const(const_div(op, is_signed, a.value, n, width));
	n *= const_div(BPF_DIV, is_signed, a.value, n, width);
	return kps_tnum_sub(a, kps_tnum_const(n));
}

static struct kps_tnum bits_alu(u8 op, bool is_signed, struct kps_tnum a,
				struct kps_tnum b, unsigned int width)
{
	switch (op) {
	case BPF_ADD:
		return kps_tnum_add(a, b);
	case BPF_SUB:
		return kps_tnum_sub(a, b);
	case BPF_MUL:
		return kps_tnum_mul(a, b);
	case BPF_AND:
		return kps_tnum_and(a, b);
	case BPF_OR:
		return kps_tnum_or(a, b);
	case BPF_XOR:
		return kps_tnum_xor(a, b);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return bits_shift(op, a, b, width);
	default:
		return bits_div(op, is_signed, a, b, width);
	}
}

/* The low half of these depends on the low halves only. */
static bool low_half_suffices(u8 op)
{
	return op == BPF_ADD || op == BPF_SUB || op == BPF_MUL ||
	       op == BPF_AND || op == BPF_OR || op == BPF_XOR;
}

static void alu64(u8 op, bool is_signed, struct kps_scalar *a,
		  const struct kps_scalar *b)
{
	a->bits = bits_alu(op, is_signed, a->bits, b->bits, 64);
	a->r64 = range_alu(op, is_signed, a->r64, b->r64, 64);
	a->r32 = low_half_suffices(op) ?
		 range_alu(op, false, a->r32, b->r32, 32) : kps_range_full(32);
}

static void alu32(u8 op, bool is_signed, struct kps_scalar *a,
		  const struct kps_scalar *b)
{
	a->bits = kps_tnum_cut(bits_alu(op, is_signed, kps_tnum_cut(a->bits, 32),
					kps_tnum_cut(b->bits, 32), 32), 32);
	a->r32 = range_alu(op, is_signed, a->r32, b->r32, 32);
	a->r64 = kps_range_unsigned(0, U32_MAX, 64);
}

/* Most arithmetic in straight code is on constants, and the bits say it all. */
static bool alu_const(u8 op, bool is_signed, unsigned int width, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	struct kps_tnum bits;

	if (a->bits.mask | b->bits.mask)
		return false;
	bits = bits_alu(op, is_signed, kps_tnum_cut(a->bits, width),
			kps_tnum_cut(b->bits, width), width);
	*a = kps_scalar_const(kps_tnum_cut(bits, width).value);
	return true;
}

void kps_scalar_alu(u8 op, bool is_signed, unsigned int width,
		    struct kps_scalar *a, const struct kps_scalar *b)
{
	if (alu_const(op, is_signed, width, a, b))
		return;
	if (width == 64)
		alu64(op, is_signed, a, b);
	else
		alu32(op, is_signed, a, b);
	settle(a);
}

void kps_scalar_zext(struct kps_scalar *s, unsigned int width)
{
	if (width == 64)
		return;
	s->bits = kps_tnum_cut(s->bits, width);
	if (width < 32) {
		if (s->r32.umax > kps_width_mask(width))
			s->r32 = kps_range_unsigned(0, kps_width_mask(width), 32);
		else
			s->r32 = kps_range_unsigned(s->r32.umin, s->r32.umax, 32);
	}
	s->r64 = kps_range_unsigned(0, kps_width_mask(width), 64);
	settle(s);
}

void kps_scalar_sext(struct kps_scalar *s, unsigned int from, unsigned int to)
{
	struct kps_scalar in = *s;

	*s = kps_scalar_any();
	s->bits = kps_tnum_sext(in.bits, from);
	s->r64 = kps_range_signed(kps_smin(from), kps_smax(from), 64);
	if (from == 32) {
		s->r64.smin = in.r32.smin;
		s->r64.smax = in.r32.smax;
	} else if (in.r32.smin >= kps_smin(from) && in.r32.smax <= kps_smax(from)) {
		s->r64.smin = in.r32.smin;
		s->r64.smax = in.r32.smax;
	}
	settle(s);
	kps_scalar_zext(s, to);
}

/* Comparisons, by the ranges and bits of one width. */
struct side {
	struct kps_tnum bits;
	struct kps_range r;
};

static bool assume_equal(struct side *a, struct side *b)
{
	if (!kps_tnum_meet(a->bits, b->bits, &a->bits) ||
	    !kps_range_meet(&a->r, b->r))
		return false;
	*b = *a;
	return true;
}

/* An end of an interval that is ruled out moves inward by one. */
static bool exclude(struct side *a, const struct side *b, unsigned int width)
{
	u64 n = b->r.umin;
	s64 s = kps_sext(n, width);

	if (b->r.umin != b->r.umax)
		return true;
	if (a->r.umin == n && a->r.umax == n)
		return false;
	a->r.umin += a->r.umin == n;
	a->r.umax -= a->r.umax == n;
	if (a->r.smin == s && a->r.smax == s)
		return false;
	a->r.smin += a->r.smin == s;
	a->r.smax -= a->r.smax == s;
	return true;
}

static bool assume_differ(struct side *a, struct side *b, unsigned int width)
{
	return exclude(a, b, width) && exclude(b, a, width);
}

/* @lo < @hi, or @lo <= @hi without @strict. */
static bool assume_below(struct kps_range *lo, struct kps_range *hi, bool strict)
{
	if (strict && (!hi->umax || lo->umin == ~0ULL))
		return false;
	lo->umax = min(lo->umax, hi->umax - strict);
	hi->umin = max(hi->umin, lo->umin + strict);
	return lo->umin <= lo->umax && hi->umin <= hi->umax;
}

static bool assume_less(struct kps_range *lo, struct kps_range *hi, bool strict)
{
	if (strict && (hi->smax == S64_MIN || lo->smin == S64_MAX))
		return false;
	lo->smax = min(lo->smax, hi->smax - strict);
	hi->smin = max(hi->smin, lo->smin + strict);
	return lo->smin <= lo->smax && hi->smin <= hi->smax;
}

/* a & b is zero: where one has a known 1, the other has a 0. */
static bool assume_disjoint(struct side *a, struct side *b)
{
	u64 a_ones = a->bits.value, b_ones = b->bits.value;

	return kps_tnum_meet(a->bits, kps_tnum(0, ~b_ones), &a->bits) &&
	       kps_tnum_meet(b->bits, kps_tnum(0, ~a_ones), &b->bits);
}

/* a & b is not zero: neither is zero; the only bit they can share is set. */
static bool assume_common(struct side *a, struct side *b)
{
	u64 shared = (a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask);
	struct kps_tnum bit = kps_tnum(shared, ~shared);

	if (!shared)
		return false;
	if (shared & (shared - 1))
		return true;
	return kps_tnum_meet(a->bits, bit, &a->bits) &&
	       kps_tnum_meet(b->bits, bit, &b->bits);
}

static bool assume_side(u8 op, struct side *a, struct side *b, unsigned int width)
{
	switch (op) {
	case BPF_JEQ:
		return assume_equal(a, b);
	case BPF_JNE:
		return assume_differ(a, b, width);
	case BPF_JGT:
		return assume_below(&b->r, &a->r, true);
	case BPF_JGE:
		return assume_below(&b->r, &a->r, false);
	case BPF_JLT:
		return assume_below(&a->r, &b->r, true);
	case BPF_JLE:
		return assume_below(&a->r, &b->r, false);
	case BPF_JSGT:
		return assume_less(&b->r, &a->r, true);
	case BPF_JSGE:
		return assume_less(&b->r, &a->r, false);
	case BPF_JSLT:
		return assume_less(&a->r, &b->r, true);
	case BPF_JSLE:
		return assume_less(&a->r, &b->r, false);
	case BPF_JSET:
		return assume_common(a, b);
	default:
		return true;
	}
}

/* What holds when the jump is not taken; JSET has no such opcode: 0. */
static u8 opposite(u8 op)
{
	static const u8 table[16] = {
		[BPF_JEQ >> 4] = BPF_JNE, [BPF_JNE >> 4] = BPF_JEQ,
		[BPF_JGT >> 4] = BPF_JLE, [BPF_JLE >> 4] = BPF_JGT,
		[BPF_JGE >> 4] = BPF_JLT, [BPF_JLT >> 4] = BPF_JGE,
		[BPF_JSGT >> 4] = BPF_JSLE, [BPF_JSLE >> 4] = BPF_JSGT,
		[BPF_JSGE >> 4] = BPF_JSLT, [BPF_JSLT >> 4] = BPF_JSGE,
	};

	return table[op >> 4];
}

static struct side take_side(const struct kps_scalar *s, unsigned int width)
{
	if (width == 64)
		return (struct side){ s->bits, s->r64 };
	return (struct side){ kps_tnum_cut(s->bits, 32), s->r32 };
}

static bool put_side(struct kps_scalar *s, const struct side *side, unsigned int width)
{
	struct kps_tnum bits = side->bits;

	if (width == 64) {
		s->r64 = side->r;
	} else {
		s->r32 = side->r;
		bits.mask |= HIGH_HALF;
	}
	return kps_tnum_meet(s->bits, bits, &s->bits) && sync(s);
}

bool kps_scalar_assume(u8 op, unsigned int width, bool taken,
		       struct kps_scalar *a, struct kps_scalar *b)
{
	struct side x = take_side(a, width), y = take_side(b, width);
	bool possible;

	if (!taken && op == BPF_JSET)
		possible = assume_disjoint(&x, &y);
	else
		possible = assume_side(taken ? op : opposite(op), &x, &y, width);
	return possible && put_side(a, &x, width) && put_side(b, &y, width);
}
