/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - what is known of a number: bits, ranges and steps together */
#ifndef KPS_SCALAR_H
#define KPS_SCALAR_H

#include <linux/types.h>

#include "core/range.h"
#include "core/stride.h"
#include "core/tnum.h"

/**
 * struct kps_scalar - a set of 64-bit numbers
 * @bits: all 64 of them
 * @r64: of the number
 * @r32: of its low half
 * @stride: of the number
 *
 * A number is in the set when it is in all four. Invariant outside this file: no
 * part is empty. Every function that can find the set empty says so by its
 * result; nothing is ever left inconsistent.
 */
struct kps_scalar {
	struct kps_tnum bits;
	struct kps_range r64;
	struct kps_range r32;
	struct kps_stride stride;
};

/** kps_scalar_any - every number */
static inline struct kps_scalar kps_scalar_any(void)
{
	return (struct kps_scalar){
		.bits = kps_tnum(0, ~0ULL),
		.r64 = kps_range_full(64),
		.r32 = kps_range_full(32),
	};
}

/** kps_scalar_const - one number */
static inline struct kps_scalar kps_scalar_const(u64 n)
{
	return (struct kps_scalar){
		.bits = kps_tnum_const(n),
		.r64 = kps_range_const(n, 64),
		.r32 = kps_range_const(n, 32),
	};
}

/** kps_scalar_bytes - every number of so many bytes (1 to 8), zero-extended */
static inline struct kps_scalar kps_scalar_bytes(u32 bytes)
{
	struct kps_scalar s = kps_scalar_any();
	s64 most = (s64)(kps_width_mask(8 * bytes));

	if (bytes >= 8)
		return s;
	s.bits.mask = most;
	s.r64 = (struct kps_range){ 0, most, 0, most };
	if (bytes < 4)
		s.r32 = s.r64;
	return s;
}

/** kps_scalar_unsigned - every number from @min to @max, unsigned */
struct kps_scalar kps_scalar_unsigned(u64 min, u64 max);

/** kps_scalar_signed - every number from @min to @max, signed */
struct kps_scalar kps_scalar_signed(s64 min, s64 max);

static inline bool kps_scalar_is_const(const struct kps_scalar *s)
{
	return !s->bits.mask;
}

/** kps_scalar_has - @n is in the set */
bool kps_scalar_has(const struct kps_scalar *s, u64 n);

/** kps_scalar_same - the same is known of both */
static inline bool kps_scalar_same(const struct kps_scalar *a, const struct kps_scalar *b)
{
	return a->r64.umin == b->r64.umin && a->r64.umax == b->r64.umax &&
	       a->bits.value == b->bits.value && a->bits.mask == b->bits.mask &&
	       a->r64.smin == b->r64.smin && a->r64.smax == b->r64.smax &&
	       a->r32.umin == b->r32.umin && a->r32.umax == b->r32.umax &&
	       a->r32.smin == b->r32.smin && a->r32.smax == b->r32.smax &&
	       a->stride.step == b->stride.step && a->stride.rest == b->stride.rest;
}

/** kps_scalar_in - @a is inside @b (each part of @a in the same part of @b) */
bool kps_scalar_in(const struct kps_scalar *a, const struct kps_scalar *b);

/**
 * kps_scalar_sync - let what each part says narrow the others
 *
 * Return: false if nothing is left.
 */
bool kps_scalar_sync(struct kps_scalar *s);

/** kps_scalar_settle - the same for a set that can't be empty */
void kps_scalar_settle(struct kps_scalar *s);

/** kps_scalar_join_stride - the step that a set around both has */
struct kps_stride kps_scalar_join_stride(const struct kps_scalar *a,
					 const struct kps_scalar *b);

/** kps_scalar_join - a set around both */
void kps_scalar_join(struct kps_scalar *a, const struct kps_scalar *b);

/** kps_scalar_meet - narrow @a to what is also in @b; false: nothing is */
bool kps_scalar_meet(struct kps_scalar *a, const struct kps_scalar *b);

/**
 * kps_scalar_alu - the effect of an ALU instruction
 * @op: BPF_OP() of an ADD, SUB, MUL, DIV, MOD, AND, OR, XOR, LSH, RSH or ARSH
 * @is_signed: DIV and MOD are SDIV and SMOD
 * @width: 64, or 32: then the result is zero-extended
 * @a: the destination: in and out
 * @b: the source
 */
void kps_scalar_alu(u8 op, bool is_signed, unsigned int width,
		    struct kps_scalar *a, const struct kps_scalar *b);

/**
 * kps_scalar_plain - the same where it is easily done
 *
 * Return: false: @a is unchanged, do it the general way.
 */
bool kps_scalar_plain(u8 op, unsigned int width, struct kps_scalar *a,
		      const struct kps_scalar *b);

/** kps_scalar_add_const - kps_scalar_plain() of a 64-bit sum; true: no end wrapped */
bool kps_scalar_add_const(struct kps_scalar *a, s64 c);

/** kps_scalar_mask - kps_scalar_plain() of a 64-bit AND with @c */
bool kps_scalar_mask(struct kps_scalar *a, u64 c);

/** kps_scalar_zext - the low @width bits (8 to 64), the others zero */
void kps_scalar_zext(struct kps_scalar *s, unsigned int width);

/** kps_scalar_sext - the low @from bits, sign-extended to @to (32: zero above) */
void kps_scalar_sext(struct kps_scalar *s, unsigned int from, unsigned int to);

/**
 * kps_scalar_assume - what holds when a comparison has a given outcome
 * @op: BPF_OP() of a conditional jump
 * @width: 64, or 32: the low halves are compared
 * @taken: the outcome
 * @a: the left operand, narrowed
 * @b: the right operand, narrowed
 *
 * Return: false if the outcome is impossible; @a and @b are then undefined.
 */
bool kps_scalar_assume(u8 op, unsigned int width, bool taken,
		       struct kps_scalar *a, struct kps_scalar *b);

#endif
