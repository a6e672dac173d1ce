// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - what is known of a number: bits, ranges and steps together */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/scalar.h"

#define HIGH_HALF	(~0ULL << 32)

bool kps_scalar_has(const struct kps_scalar *s, u64 n)
{
	return kps_tnum_has(s->bits, n) && kps_range_has(s->r64, n, 64) &&
	       kps_range_has(s->r32, n, 32) && kps_stride_has(s->stride, n);
}

/* Of one number every step is known. */
static bool stride_in(const struct kps_scalar *a, const struct kps_scalar *b)
{
	if (kps_scalar_is_const(a))
		return kps_stride_has(b->stride, a->bits.value);
	return !b->stride.step || kps_stride_in(a->stride, b->stride);
}

bool kps_scalar_in(const struct kps_scalar *a, const struct kps_scalar *b)
{
	return kps_range_in(a->r64, b->r64) && kps_tnum_in(a->bits, b->bits) &&
	       kps_range_in(a->r32, b->r32) && stride_in(a, b);
}

/* The smallest and the largest member; kps_range_agree() tells the signed reading. */
static bool bits_bound_range(struct kps_tnum bits, struct kps_range *r)
{
	r->umin = max(r->umin, bits.value);
	r->umax = min(r->umax, bits.value | bits.mask);
	return r->umin <= r->umax;
}

static bool bits_bound_ranges(struct kps_scalar *s)
{
	return s->bits.mask == ~0ULL ||
	       (bits_bound_range(s->bits, &s->r64) &&
		bits_bound_range(kps_tnum_cut(s->bits, 32), &s->r32));
}

static bool is_full_low(const struct kps_range *low)
{
	return !low->umin && low->umax == U32_MAX;
}

static bool range_bounds_bits(struct kps_scalar *s)
{
	struct kps_tnum low;

	if (!is_full_low(&s->r32)) {
		low = kps_tnum_range(s->r32.umin, s->r32.umax);
		low.mask |= HIGH_HALF;
		if (!kps_tnum_meet(s->bits, low, &s->bits))
			return false;
	}
	return kps_tnum_meet(s->bits, kps_tnum_range(s->r64.umin, s->r64.umax), &s->bits);
}

/*
 * While the high half doesn't change, or only from all ones to all zeros, the low
 * half runs through one interval.
 */
static bool full_bounds_half(struct kps_scalar *s)
{
	struct kps_range *low = &s->r32;
	u64 lo = s->r64.umin, hi = s->r64.umax;

	if (lo >> 32 != hi >> 32) {
		lo = s->r64.smin;
		hi = s->r64.smax;
	}
	if (lo >> 32 == hi >> 32) {
		low->umin = max_t(u64, low->umin, (u32)lo);
		low->umax = min_t(u64, low->umax, (u32)hi);
	}
	if (s->r64.smin >= S32_MIN && s->r64.smax <= S32_MAX) {
		low->smin = max(low->smin, s->r64.smin);
		low->smax = min(low->smax, s->r64.smax);
	}
	return kps_range_agree(low, 32);
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

	if (is_full_low(low))
		return true;
	if (!round_up_low(s->r64.umin, low->umin, low->umax, &s->r64.umin) ||
	    !round_down_low(s->r64.umax, low->umin, low->umax, &s->r64.umax) ||
	    !round_up_low((u64)s->r64.smin ^ bias, low->umin, low->umax, &smin) ||
	    !round_down_low((u64)s->r64.smax ^ bias, low->umin, low->umax, &smax))
		return false;
	s->r64.smin = smin ^ bias;
	s->r64.smax = smax ^ bias;
	return s->r64.umin <= s->r64.umax && s->r64.smin <= s->r64.smax &&
	       kps_range_agree(&s->r64, 64);
}

static bool stride_bounds_range(struct kps_scalar *s)
{
	return !s->stride.step ||
	       (kps_stride_cut(s->stride, &s->r64.umin, &s->r64.umax) &&
		kps_range_agree(&s->r64, 64));
}

static bool sync_once(struct kps_scalar *s)
{
	return bits_bound_ranges(s) && kps_range_agree(&s->r64, 64) &&
	       stride_bounds_range(s) && full_bounds_half(s) && half_bounds_full(s) &&
	       range_bounds_bits(s);
}

/*
 * A number whose high half is zero, as most are, is its own low half: all that is
 * known of either reading and of the bits is one interval.
 */
static bool low_interval(const struct kps_scalar *s, struct kps_range *r)
{
	*r = (struct kps_range){
		.umin = max3(s->r64.umin, s->r32.umin, s->bits.value),
		.umax = min3(s->r64.umax, s->r32.umax, s->bits.value | s->bits.mask),
		.smin = s->r32.smin,
		.smax = s->r32.smax,
	};
	if (s->r64.smax < 0)
		return false;
	r->umax = min_t(u64, r->umax, s->r64.smax);
	if (s->r64.smin > 0)
		r->umin = max_t(u64, r->umin, s->r64.smin);
	return kps_range_agree(r, 32) &&
	       (!s->stride.step || (kps_stride_cut(s->stride, &r->umin, &r->umax) &&
				    kps_range_agree(r, 32)));
}

static bool sync_low(struct kps_scalar *s)
{
	struct kps_range r;

	if (!low_interval(s, &r) ||
	    !kps_tnum_meet(s->bits, kps_tnum_range(r.umin, r.umax), &s->bits))
		return false;
	r.umin = max(r.umin, s->bits.value);
	r.umax = min(r.umax, s->bits.value | s->bits.mask);
	if (!kps_range_agree(&r, 32))
		return false;
	s->r32 = r;
	s->r64 = (struct kps_range){ r.umin, r.umax, r.umin, r.umax };
	return true;
}

static bool high_is_zero(const struct kps_scalar *s)
{
	return s->r64.umax <= U32_MAX || (s->bits.value | s->bits.mask) <= U32_MAX;
}

/* The bits, narrowed last, say no more of the ranges. */
static bool bits_are_wide(const struct kps_scalar *s)
{
	u64 largest = s->bits.value | s->bits.mask;

	return s->bits.value <= s->r64.umin && largest >= s->r64.umax &&
	       (u32)s->bits.value <= s->r32.umin && (u32)largest >= s->r32.umax;
}

/* Each step only narrows, so stopping after two rounds is sound. */
bool kps_scalar_sync(struct kps_scalar *s)
{
	u64 umin = s->r64.umin, umax = s->r64.umax;

	if (high_is_zero(s))
		return sync_low(s);
	if (!sync_once(s))
		return false;
	if (umin == s->r64.umin && umax == s->r64.umax && bits_are_wide(s))
		return true;
	return high_is_zero(s) ? sync_low(s) : sync_once(s);
}

/* Results of arithmetic on non-empty sets are not empty: kps_scalar_sync() can't fail. */
void kps_scalar_settle(struct kps_scalar *s)
{
	if (kps_scalar_is_const(s))
		*s = kps_scalar_const(s->bits.value);
	else if (!kps_scalar_sync(s))
		*s = kps_scalar_any();
}

struct kps_scalar kps_scalar_unsigned(u64 min, u64 max)
{
	struct kps_scalar s = kps_scalar_any();

	s.r64.umin = min;
	s.r64.umax = max;
	kps_scalar_settle(&s);
	return s;
}

struct kps_scalar kps_scalar_signed(s64 min, s64 max)
{
	struct kps_scalar s = kps_scalar_any();

	s.r64.smin = min;
	s.r64.smax = max;
	kps_scalar_settle(&s);
	return s;
}

/*
 * Ends of intervals are no witnesses for a step: where the low half's bounds had the
 * last word, they may lie between two of its numbers.
 */
static u64 in_stride(const struct kps_scalar *s)
{
	return s->stride.step ? s->stride.rest : s->bits.value;
}

/* A number alone is in any step; of other numbers without one nothing is known. */
struct kps_stride kps_scalar_join_stride(const struct kps_scalar *a, const struct kps_scalar *b)
{
	if ((!a->stride.step && !kps_scalar_is_const(a)) ||
	    (!b->stride.step && !kps_scalar_is_const(b)))
		return (struct kps_stride){ .step = 0 };
	return kps_stride_join(a->stride, in_stride(a), b->stride, in_stride(b));
}

void kps_scalar_join(struct kps_scalar *a, const struct kps_scalar *b)
{
	a->stride = kps_scalar_join_stride(a, b);
	a->bits = kps_tnum_join(a->bits, b->bits);
	a->r64 = kps_range_join(a->r64, b->r64);
	a->r32 = kps_range_join(a->r32, b->r32);
}

bool kps_scalar_meet(struct kps_scalar *a, const struct kps_scalar *b)
{
	if (b->stride.step > a->stride.step)
		a->stride = b->stride;
	return kps_tnum_meet(a->bits, b->bits, &a->bits) &&
	       kps_range_meet(&a->r64, b->r64) &&
	       kps_range_meet(&a->r32, b->r32) && kps_scalar_sync(a);
}

void kps_scalar_zext(struct kps_scalar *s, unsigned int width)
{
	if (width == 64)
		return;
	if (s->r64.umax > kps_width_mask(width))
		s->stride = (struct kps_stride){ .step = 0 };
	s->bits = kps_tnum_cut(s->bits, width);
	if (width < 32) {
		if (s->r32.umax > kps_width_mask(width))
			s->r32 = kps_range_unsigned(0, kps_width_mask(width), 32);
		else
			s->r32 = kps_range_unsigned(s->r32.umin, s->r32.umax, 32);
	}
	s->r64 = kps_range_unsigned(0, kps_width_mask(width), 64);
	kps_scalar_settle(s);
}

void kps_scalar_sext(struct kps_scalar *s, unsigned int from, unsigned int to)
{
	struct kps_scalar in = *s;

	*s = kps_scalar_any();
	if (in.r64.umax <= (u64)kps_smax(from))
		s->stride = in.stride;
	s->bits = kps_tnum_sext(in.bits, from);
	s->r64 = kps_range_signed(kps_smin(from), kps_smax(from), 64);
	if (from == 32) {
		s->r64.smin = in.r32.smin;
		s->r64.smax = in.r32.smax;
	} else if (in.r32.smin >= kps_smin(from) && in.r32.smax <= kps_smax(from)) {
		s->r64.smin = in.r32.smin;
		s->r64.smax = in.r32.smax;
	}
	kps_scalar_settle(s);
	kps_scalar_zext(s, to);
}
