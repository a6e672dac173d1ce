// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - intervals of numbers, read as unsigned and as signed */

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/range.h"

bool kps_range_has(struct kps_range r, u64 n, unsigned int width)
{
	s64 s = kps_sext(n, width);

	n &= kps_width_mask(width);
	return n >= r.umin && n <= r.umax && s >= r.smin && s <= r.smax;
}

struct kps_range kps_range_join(struct kps_range a, struct kps_range b)
{
	return (struct kps_range){
		min(a.umin, b.umin), max(a.umax, b.umax),
		min(a.smin, b.smin), max(a.smax, b.smax),
	};
}

/* A bilinear function takes its extremes at corners. */
static bool smul_corners(struct kps_range *r, struct kps_range a,
			 struct kps_range b, unsigned int width)
{
	s64 c[4];
	int i;

	if (check_mul_overflow(a.smin, b.smin, &c[0]) ||
	    check_mul_overflow(a.smin, b.smax, &c[1]) ||
	    check_mul_overflow(a.smax, b.smin, &c[2]) ||
	    check_mul_overflow(a.smax, b.smax, &c[3]))
		return false;
	for (i = 0; i < 4; i++)
		if (!kps_range_fits(c[i], width))
			return false;
	r->smin = min(min(c[0], c[1]), min(c[2], c[3]));
	r->smax = max(max(c[0], c[1]), max(c[2], c[3]));
	return true;
}

struct kps_range kps_range_mul(struct kps_range a, struct kps_range b,
			       unsigned int width)
{
	struct kps_range r = kps_range_full(width);
	u64 hi;

	if (!check_mul_overflow(a.umax, b.umax, &hi) && hi <= kps_width_mask(width)) {
		r.umin = a.umin * b.umin;
		r.umax = hi;
	}
	smul_corners(&r, a, b, width);
	return r;
}

/* Setting bits never makes it smaller, and sets none above both operands' tops. */
struct kps_range kps_range_or(struct kps_range a, struct kps_range b,
			      unsigned int width)
{
	u64 top = a.umax | b.umax;

	return kps_range_unsigned(max(a.umin, b.umin),
				  top ? kps_width_mask(fls64(top)) : 0, width);
}

/* The interval of shift amounts: full if the register holds more than the width. */
static void shift_amount(struct kps_range b, unsigned int width, u64 *lo, u64 *hi)
{
	*lo = 0;
	*hi = width - 1;
	if (b.umax < width || b.umin == b.umax) {
		*lo = b.umin & (width - 1);
		*hi = b.umax & (width - 1);
	}
}

struct kps_range kps_range_lsh(struct kps_range a, struct kps_range b,
			       unsigned int width)
{
	struct kps_range r = kps_range_full(width);
	u64 lo, hi;

	shift_amount(b, width, &lo, &hi);
	if (a.umax <= kps_width_mask(width) >> hi) {
		r.umin = a.umin << lo;
		r.umax = a.umax << hi;
	}
	if (lo == hi && a.smin >= kps_smin(width) >> hi && a.smax <= kps_smax(width) >> hi) {
		r.smin = (s64)((u64)a.smin << hi);
		r.smax = (s64)((u64)a.smax << hi);
	}
	return r;
}

struct kps_range kps_range_rsh(struct kps_range a, struct kps_range b,
			       unsigned int width)
{
	u64 lo, hi;

	shift_amount(b, width, &lo, &hi);
	return kps_range_unsigned(a.umin >> hi, a.umax >> lo, width);
}

/* Shifting moves a number toward 0 or -1: negatives up, others down. */
struct kps_range kps_range_arsh(struct kps_range a, struct kps_range b,
				unsigned int width)
{
	u64 lo, hi;

	shift_amount(b, width, &lo, &hi);
	return kps_range_signed(a.smin >> (a.smin < 0 ? lo : hi),
				a.smax >> (a.smax < 0 ? hi : lo), width);
}

struct kps_range kps_range_div(struct kps_range a, struct kps_range b,
			       unsigned int width)
{
	if (!b.umax)
		return kps_range_const(0, width);
	if (!b.umin)
		return kps_range_unsigned(0, a.umax, width);
	return kps_range_unsigned(div64_u64(a.umin, b.umax), div64_u64(a.umax, b.umin), width);
}

struct kps_range kps_range_mod(struct kps_range a, struct kps_range b,
			       unsigned int width)
{
	if (!b.umax || a.umax < b.umin)
		return a;
	if (!b.umin)
		return kps_range_unsigned(0, a.umax, width);
	return kps_range_unsigned(0, min(a.umax, b.umax - 1), width);
}

/* No quotient is larger in size than the dividend; -MIN does not fit. */
static struct kps_range sdiv_by_any(struct kps_range a, unsigned int width)
{
	s64 size;

	if (a.smin == kps_smin(width))
		return kps_range_full(width);
	size = max(a.smax, -a.smin);
	return kps_range_signed(-size, size, width);
}

/* With a divisor of one sign quotients are monotonic in each operand: corners. MIN / -1 wraps. */
struct kps_range kps_range_sdiv(struct kps_range a, struct kps_range b,
				unsigned int width)
{
	s64 c[4];

	if ((b.smin <= 0 && b.smax >= 0) || (b.smax == -1 && a.smin == kps_smin(width)))
		return sdiv_by_any(a, width);
	c[0] = div64_s64(a.smin, b.smin);
	c[1] = div64_s64(a.smin, b.smax);
	c[2] = div64_s64(a.smax, b.smin);
	c[3] = div64_s64(a.smax, b.smax);
	return kps_range_signed(min(min(c[0], c[1]), min(c[2], c[3])),
				max(max(c[0], c[1]), max(c[2], c[3])), width);
}

static u64 magnitude(s64 n)
{
	return n < 0 ? -(u64)n : (u64)n;
}

/* A remainder has the dividend's sign, is no larger, and smaller than the divisor. */
struct kps_range kps_range_smod(struct kps_range a, struct kps_range b,
				unsigned int width)
{
	s64 lo = min_t(s64, a.smin, 0), hi = max_t(s64, a.smax, 0);
	u64 size = max(magnitude(b.smin), magnitude(b.smax));

	if ((b.smin > 0 || b.smax < 0) && size - 1 <= (u64)kps_smax(width)) {
		lo = max_t(s64, lo, -(s64)(size - 1));
		hi = min_t(s64, hi, size - 1);
	}
	return kps_range_signed(lo, hi, width);
}
