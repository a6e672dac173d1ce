/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - tracked numbers: which bits are known, and what they are */
#ifndef KPS_TNUM_H
#define KPS_TNUM_H

#include <linux/bitops.h>
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
static inline struct kps_tnum kps_tnum_range(u64 min, u64 max)
{
	u64 differ = min ^ max;
	u64 low;

	if (!differ)
		return kps_tnum_const(min);
	low = kps_width_mask(fls64(differ));
	return kps_tnum(min & ~low, low);
}

/** kps_tnum_cut - the low @width bits, the others zero */
static inline struct kps_tnum kps_tnum_cut(struct kps_tnum t, unsigned int width)
{
	u64 keep = kps_width_mask(width);

	return kps_tnum(t.value & keep, t.mask & keep);
}

/** kps_tnum_sext - the low @width bits, sign-extended to 64 */
struct kps_tnum kps_tnum_sext(struct kps_tnum t, unsigned int width);

/*
 * A bit of a sum is known when both operands' bits and the carry into it are.
 * Carries differ at most between the sums of the smallest and of the largest
 * members, so a bit that these two sums agree on has a known carry.
 */
static inline struct kps_tnum kps_tnum_add(struct kps_tnum a, struct kps_tnum b)
{
	u64 smallest = a.value + b.value;
	u64 largest = smallest + a.mask + b.mask;
	u64 unknown = (smallest ^ largest) | a.mask | b.mask;

	return kps_tnum(smallest & ~unknown, unknown);
}

static inline struct kps_tnum kps_tnum_and(struct kps_tnum a, struct kps_tnum b)
{
	u64 maybe = (a.value | a.mask) & (b.value | b.mask);
	u64 ones = a.value & b.value;

	return kps_tnum(ones, maybe & ~ones);
}

struct kps_tnum kps_tnum_sub(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_mul(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_or(struct kps_tnum a, struct kps_tnum b);
struct kps_tnum kps_tnum_xor(struct kps_tnum a, struct kps_tnum b);

/* Shifts by a known amount below 64; arsh takes the sign from bit 63. */
static inline struct kps_tnum kps_tnum_lsh(struct kps_tnum a, unsigned int n)
{
	return kps_tnum(a.value << n, a.mask << n);
}

static inline struct kps_tnum kps_tnum_rsh(struct kps_tnum a, unsigned int n)
{
	return kps_tnum(a.value >> n, a.mask >> n);
}

struct kps_tnum kps_tnum_arsh(struct kps_tnum a, unsigned int n);

/** kps_tnum_join - the smallest set that holds both */
static inline struct kps_tnum kps_tnum_join(struct kps_tnum a, struct kps_tnum b)
{
	u64 unknown = a.mask | b.mask | (a.value ^ b.value);

	return kps_tnum(a.value & ~unknown, unknown);
}

/** kps_tnum_meet - what is in both; false: nothing is, @out is unchanged */
static inline bool kps_tnum_meet(struct kps_tnum a, struct kps_tnum b, struct kps_tnum *out)
{
	if ((a.value ^ b.value) & ~(a.mask | b.mask))
		return false;
	*out = kps_tnum(a.value | b.value, a.mask & b.mask);
	return true;
}

/** kps_tnum_in - every member of @a is in @b */
static inline bool kps_tnum_in(struct kps_tnum a, struct kps_tnum b)
{
	return !(a.mask & ~b.mask) && (a.value & ~b.mask) == b.value;
}

#endif
