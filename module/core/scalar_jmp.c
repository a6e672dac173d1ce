// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - numbers: what a comparison tells of its operands */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/scalar.h"

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

static bool says_no_more(const struct kps_scalar *s, const struct side *side,
			 unsigned int width)
{
	const struct kps_range *r = width == 64 ? &s->r64 : &s->r32;

	return side->r.umin == r->umin && side->r.umax == r->umax &&
	       side->r.smin == r->smin && side->r.smax == r->smax &&
	       !((s->bits.mask & kps_width_mask(width)) ^ side->bits.mask);
}

static bool put_side(struct kps_scalar *s, const struct side *side, unsigned int width)
{
	struct kps_tnum bits = side->bits;

	if (says_no_more(s, side, width))
		return true;
	if (width == 64) {
		s->r64 = side->r;
	} else {
		s->r32 = side->r;
		bits.mask |= ~kps_width_mask(32);
	}
	return kps_tnum_meet(s->bits, bits, &s->bits) && kps_scalar_sync(s);
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
	if (!possible || !put_side(a, &x, width))
		return false;
	/* Of one number nothing can be taken away without a contradiction above. */
	return kps_scalar_is_const(b) || put_side(b, &y, width);
}
