/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - congruence: numbers that come in steps, as a counter's by 24 */
#ifndef KPS_STRIDE_H
#define KPS_STRIDE_H

#include <linux/math64.h>
#include <linux/types.h>

/**
 * struct kps_stride - a set of numbers that leave the same rest
 * @step: above 1, or 0: any number, and @rest is 0
 * @rest: below @step
 *
 * An unsigned number n is in the set when n % step == rest.
 */
struct kps_stride {
	u32 step;
	u32 rest;
};

/** kps_stride_rest - @n % @step; @step is not 0 */
static inline u32 kps_stride_rest(u64 n, u32 step)
{
	u32 rest;

	div_u64_rem(n, step, &rest);
	return rest;
}

static inline bool kps_stride_has(struct kps_stride s, u64 n)
{
	return !s.step || kps_stride_rest(n, s.step) == s.rest;
}

/** kps_stride_in - every member of @a is in @b, that is not every number */
static inline bool kps_stride_in(struct kps_stride a, struct kps_stride b)
{
	return a.step && !(a.step % b.step) && a.rest % b.step == b.rest;
}

/** kps_stride_join - the smallest set around both; one of step 0 is its member alone */
struct kps_stride kps_stride_join(struct kps_stride a, u64 a_member,
				  struct kps_stride b, u64 b_member);

/** kps_stride_cut - move the ends of [@min, @max] inward to members; false: none is there */
bool kps_stride_cut(struct kps_stride s, u64 *min, u64 *max);

/** kps_stride_scale - the numbers of @s times @n, as integers; @n is not 0 */
struct kps_stride kps_stride_scale(struct kps_stride s, u64 n);

/** kps_stride_add - the sums of members, as integers */
struct kps_stride kps_stride_add(struct kps_stride a, struct kps_stride b);

/** kps_stride_shift - each member plus @n, as integers; @n may be negative */
struct kps_stride kps_stride_shift(struct kps_stride s, s64 n);

/** kps_stride_negate - n for each -n */
struct kps_stride kps_stride_negate(struct kps_stride s);

#endif
