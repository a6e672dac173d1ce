/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - tracked numbers: which bits are known, and what they are */
#ifndef KPS_TNUM_H
#define KPS_TNUM_H

#include <linux/types.h>

/**
 * struct kps_tnum - a set of numbers described bit by bit
 * @value: bits known to be 1
 * @mask: bits not known; never overlaps @value
 *
 * A number n is in the set when (n & ~mask) == value.
 */
struct kps_tnum {
	u64 value;
	u64 mask;
};

/*
 * All functions are pure. Results hold every number that the operation can
 * give for members of the operands, modulo 2^64. They work for any narrower width
 * too when the caller cuts the result by kps_tnum_cut().
 */

/** kps_width_mask - the 2^@width - 1 largest number of a width of 1 to 64 bits */
static inline u64 kps_width_mask(unsigned int width)
{
	return ~0ULL >> (64 - width);
}

static inline struct kps_tnum kps_tnum(u64 value, u64 mask)
{
	return (struct kps_tnum){ .value = value, .mask = mask };
}

static inline struct kps_tnum kps_tnum_const(u64 value)
{
	return kps_tnum(value, 0);
}

static inline bool kps_tnum_has(struct kps_tnum t, u64 n)
{
	return (n & ~t.mask) == t.value;
}

/** kps_tnum_range - the smallest set with every number from @min to @max */
struct kps_tnum kps_tnum_range(u64 min, u64 max);

/** kps_tnum_cut - the low @width bits, the others zero */
struct kps_tnum kps_tnum_cut(struct kps_tnum t, unsigned int width);

/** kps_tnum_sext - the low @width bits, sign-extended to 64 */
struct kps_tnum kps_tnum_sext(struct kps_tnum t, unsigned int width);

struct kps_tnum kps_tnum_add(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_sub(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_mul(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_and(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_or(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_xor(struct kps_tnum a, struct kps_tnum b);

/* Shifts by a known amount below 64; arsh takes the sign from bit 63. */
struct kps_tnum kps_tnum_lsh(struct kps_tnum a, unsigned int n);
struct kps_tnum kps_tnum_rsh(struct kps_tnum a, unsigned int n);
struct kps_tnum kps_tnum_arsh(struct kps_tnum a, unsigned int n);

/** kps_tnum_join - the smallest set that holds both */
struct kps_tnum kps_tnum_join(struct kps_tnum a, struct kps_tnum b);

/** kps_tnum_meet - what is in both; false: nothing is, @out is unchanged */
bool kps_tnum_meet(struct kps_tnum a, struct kps_tnum b, struct kps_tnum *out);

/** kps_tnum_in - every member of @a is in @b */
bool kps_tnum_in(struct kps_tnum a, struct kps_tnum b);

#endif
