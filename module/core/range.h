/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - intervals of numbers, read as unsigned and as signed */
#ifndef KPS_RANGE_H
#define KPS_RANGE_H

#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/tnum.h"

/**
 * struct kps_range - an interval in each reading of a number of some width
 * @umin: smallest, unsigned
 * @umax: largest, unsigned
 * @smin: smallest, signed, extended to 64 bits
 * @smax: largest, signed, extended to 64 bits
 *
 * A number is in the set when both readings are in their interval. The width, 1 to
 * 64 bits, is a parameter of every function: the verifier uses 64 and 32, the
 * exhaustive tests small ones, so that what is proved there is what runs.
 */
struct kps_range {
	u64 umin;
	u64 umax;
	s64 smin;
	s64 smax;
};

static inline s64 kps_sext(u64 n, unsigned int width)
{
	return (s64)(n << (64 - width)) >> (64 - width);
}

static inline s64 kps_smax(unsigned int width)
{
	return kps_width_mask(width) >> 1;
}

static inline s64 kps_smin(unsigned int width)
{
	return -kps_smax(width) - 1;
}

/** kps_range_full - every number of a width */
static inline struct kps_range kps_range_full(unsigned int width)
{
	return (struct kps_range){ 0, kps_width_mask(width), kps_smin(width), kps_smax(width) };
}

static inline bool kps_range_is_full(const struct kps_range *r, unsigned int width)
{
	return !r->umin && r->umax == kps_width_mask(width) &&
	       r->smin == kps_smin(width) && r->smax == kps_smax(width);
}

/** kps_range_const - one number, cut to the width */
static inline struct kps_range kps_range_const(u64 n, unsigned int width)
{
	s64 s = kps_sext(n, width);

	n &= kps_width_mask(width);
	return (struct kps_range){ n, n, s, s };
}

/** kps_range_unsigned - an unsigned interval, nothing known of the signed one */
static inline struct kps_range kps_range_unsigned(u64 min, u64 max, unsigned int width)
{
	return (struct kps_range){ min, max, kps_smin(width), kps_smax(width) };
}

/** kps_range_signed - a signed interval, nothing known of the unsigned one */
static inline struct kps_range kps_range_signed(s64 min, s64 max, unsigned int width)
{
	return (struct kps_range){ 0, kps_width_mask(width), min, max };
}

bool kps_range_has(struct kps_range r, u64 n, unsigned int width);

/** kps_range_agree - carry bounds from one reading to the other; false: empty */
static inline bool kps_range_agree(struct kps_range *r, unsigned int width)
{
	u64 all = kps_width_mask(width);

	if (r->umin > r->umax || r->smin > r->smax)
		return false;
	if (r->smin >= 0 || r->smax < 0) {
		r->umin = max(r->umin, (u64)r->smin & all);
		r->umax = min(r->umax, (u64)r->smax & all);
	}
	if (r->umax <= (u64)kps_smax(width) || r->umin > (u64)kps_smax(width)) {
		r->smin = max(r->smin, kps_sext(r->umin, width));
		r->smax = min(r->smax, kps_sext(r->umax, width));
	}
	return r->umin <= r->umax && r->smin <= r->smax;
}

/** kps_range_meet - narrow @r to what is also in @other; false: empty */
static inline bool kps_range_meet(struct kps_range *r, struct kps_range other)
{
	r->umin = max(r->umin, other.umin);
	r->umax = min(r->umax, other.umax);
	r->smin = max(r->smin, other.smin);
	r->smax = min(r->smax, other.smax);
	return r->umin <= r->umax && r->smin <= r->smax;
}

/** kps_range_join - the smallest intervals around both */
struct kps_range kps_range_join(struct kps_range a, struct kps_range b);

/** kps_range_in - @a's intervals lie inside @b's */
static inline bool kps_range_in(struct kps_range a, struct kps_range b)
{
	return a.umin >= b.umin && a.umax <= b.umax &&
	       a.smin >= b.smin && a.smax <= b.smax;
}

/*
 * Arithmetic as RFC 9669 defines it at this width. Results hold every number that
 * members of the operands can give; one reading may be wider than the other could
 * make it: call kps_range_agree(). Shift amounts are cut to the width's, division
 * by zero gives 0, modulo by zero the dividend.
 */
struct kps_range kps_range_mul(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_or(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_lsh(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_rsh(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_arsh(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_div(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_mod(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_sdiv(struct kps_range a, struct kps_range b, unsigned int width);
struct kps_range kps_range_smod(struct kps_range a, struct kps_range b, unsigned int width);

static inline bool kps_range_fits(s64 n, unsigned int width)
{
	return n >= kps_smin(width) && n <= kps_smax(width);
}

/* What most instructions do is here, to be compiled for the width of its caller. */
static inline struct kps_range kps_range_add(struct kps_range a, struct kps_range b,
					     unsigned int width)
{
	struct kps_range r = kps_range_full(width);
	u64 all = kps_width_mask(width), ulo, uhi;
	s64 lo, hi;
	bool lo_wraps = check_add_overflow(a.umin, b.umin, &ulo) || ulo > all;
	bool hi_wraps = check_add_overflow(a.umax, b.umax, &uhi) || uhi > all;

	/* Both ends may wrap together, as in x + 0xfff...f for x - 1. */
	if (lo_wraps == hi_wraps) {
		r.umin = ulo & all;
		r.umax = uhi & all;
	}
	if (!check_add_overflow(a.smin, b.smin, &lo) && kps_range_fits(lo, width) &&
	    !check_add_overflow(a.smax, b.smax, &hi) && kps_range_fits(hi, width)) {
		r.smin = lo;
		r.smax = hi;
	}
	return r;
}

static inline struct kps_range kps_range_sub(struct kps_range a, struct kps_range b,
					     unsigned int width)
{
	struct kps_range r = kps_range_full(width);
	u64 all = kps_width_mask(width);
	s64 lo, hi;

	/* Either no difference borrows or all do. */
	if (a.umin >= b.umax || a.umax < b.umin) {
		r.umin = (a.umin - b.umax) & all;
		r.umax = (a.umax - b.umin) & all;
	}
	if (!check_sub_overflow(a.smin, b.smax, &lo) && kps_range_fits(lo, width) &&
	    !check_sub_overflow(a.smax, b.smin, &hi) && kps_range_fits(hi, width)) {
		r.smin = lo;
		r.smax = hi;
	}
	return r;
}

/* Clearing bits never makes an unsigned number larger. */
static inline struct kps_range kps_range_and(struct kps_range a, struct kps_range b,
					     unsigned int width)
{
	return kps_range_unsigned(0, min(a.umax, b.umax), width);
}

#endif
