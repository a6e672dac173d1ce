// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel core - numbers: most arithmetic, which wraps nowhere
 *
 * What is here is found by moving the ends of intervals. Whatever else may be the
 * case is left to the general way (scalar_alu.c), which finds no more than this.
 */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/scalar.h"

/* The number, read in whatever way, is its low half. */
static bool is_small(const struct kps_range *r)
{
	return r->umax <= S32_MAX && r->smin == (s64)r->umin && r->smax == (s64)r->umax;
}

/* Nothing, or all, of the low half follows from a range. */
static bool low_follows(const struct kps_range *r)
{
	return (r->umin >> 32 == r->umax >> 32) || (r->smin >= S32_MIN && r->smax <= S32_MAX);
}

/* The bits of what lies between two ends, unless they know better than those. */
static __always_inline bool bits_between(struct kps_tnum *bits, u64 min, u64 max)
{
	return kps_tnum_meet(*bits, kps_tnum_range(min, max), bits) &&
	       bits->value <= min && (bits->value | bits->mask) >= max;
}

static __always_inline bool set_small(struct kps_scalar *a, struct kps_tnum bits, u64 min,
				      u64 max)
{
	if (max > S32_MAX || !bits_between(&bits, min, max))
		return false;
	a->bits = bits;
	a->r64 = (struct kps_range){ min, max, (s64)min, (s64)max };
	a->r32 = a->r64;
	a->stride = (struct kps_stride){ .step = 0 };
	return true;
}

static __always_inline bool set_sum(struct kps_scalar *a, struct kps_tnum bits,
				    const struct kps_range *r, bool low_unknown)
{
	bool small = is_small(&a->r64) && is_small(r);

	if ((!small && (!low_unknown || low_follows(r))) ||
	    !bits_between(&bits, r->umin, r->umax))
		return false;
	a->bits = bits;
	a->r64 = *r;
	a->r32 = small ? *r : kps_range_full(32);
	return true;
}

/* The ends of a sum, if none wraps in either reading. */
static bool add(struct kps_scalar *a, const struct kps_scalar *b)
{
	struct kps_range r;
	bool low_unknown = kps_range_is_full(&a->r32, 32) || kps_range_is_full(&b->r32, 32);

	return !a->stride.step && !b->stride.step &&
	       !check_add_overflow(a->r64.smin, b->r64.smin, &r.smin) &&
	       !check_add_overflow(a->r64.smax, b->r64.smax, &r.smax) &&
	       !check_add_overflow(a->r64.umin, b->r64.umin, &r.umin) &&
	       !check_add_overflow(a->r64.umax, b->r64.umax, &r.umax) &&
	       set_sum(a, kps_tnum_add(a->bits, b->bits), &r, low_unknown);
}

/* Neither unsigned end wraps: the one that is nearer to where it would does not. */
static __always_inline bool moves_unsigned(const struct kps_range *r, s64 c)
{
	return c < 0 ? r->umin >= -(u64)c : r->umax <= U64_MAX - (u64)c;
}

bool kps_scalar_add_const(struct kps_scalar *a, s64 c)
{
	struct kps_range r = { a->r64.umin + (u64)c, a->r64.umax + (u64)c, 0, 0 };

	if (check_add_overflow(a->r64.smin, c, &r.smin) ||
	    check_add_overflow(a->r64.smax, c, &r.smax) || !moves_unsigned(&a->r64, c) ||
	    !set_sum(a, kps_tnum_add(a->bits, kps_tnum_const((u64)c)), &r,
		     kps_range_is_full(&a->r32, 32)))
		return false;
	if (a->stride.step)
		a->stride = kps_stride_shift(a->stride, c);
	return true;
}

static bool sum(u8 op, struct kps_scalar *a, const struct kps_scalar *b)
{
	s64 c = (s64)b->bits.value;

	if (b->bits.mask)
		return op == BPF_ADD && add(a, b);
	return c != S64_MIN && kps_scalar_add_const(a, op == BPF_ADD ? c : -c);
}

/* All that is left is what the mask lets through, if the number can be as large. */
bool kps_scalar_mask(struct kps_scalar *a, u64 c)
{
	struct kps_tnum bits = kps_tnum_and(a->bits, kps_tnum_const(c));
	u64 most = bits.value | bits.mask;

	return a->r64.umax >= most && a->r32.umax >= most &&
	       set_small(a, bits, bits.value, most);
}

static bool shift_right(struct kps_scalar *a, unsigned int n)
{
	return set_small(a, kps_tnum_rsh(a->bits, n), a->r64.umin >> n, a->r64.umax >> n);
}

static bool shift_left(struct kps_scalar *a, unsigned int n)
{
	return !a->stride.step && a->r64.umax <= (u64)S32_MAX >> n &&
	       set_small(a, kps_tnum_lsh(a->bits, n), a->r64.umin << n, a->r64.umax << n);
}

bool kps_scalar_plain(u8 op, unsigned int width, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	if (width != 64)
		return false;
	if (op == BPF_ADD || op == BPF_SUB)
		return sum(op, a, b);
	if (b->bits.mask)
		return false;
	switch (op) {
	case BPF_AND:
		return kps_scalar_mask(a, b->bits.value);
	case BPF_RSH:
		return shift_right(a, b->bits.value & 63);
	case BPF_LSH:
		return shift_left(a, b->bits.value & 63);
	}
	return false;
}
