// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - numbers: arithmetic */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/scalar.h"

static __always_inline struct kps_range
range_alu(u8 op, bool is_signed, struct kps_range a, struct kps_range b, unsigned int width)
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

static __always_inline struct kps_tnum
bits_alu(u8 op, bool is_signed, struct kps_tnum a, struct kps_tnum b, unsigned int width)
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

/*
 * Steps are kept by what can't wrap. A 32-bit operand is its low half, which is the
 * number itself only if the high half is zero; a constant is added as signed.
 */
static bool operand(const struct kps_scalar *s, unsigned int width, u64 *max)
{
	*max = s->r64.umax;
	return *max <= kps_width_mask(width);
}

static struct kps_stride stride_shift(const struct kps_scalar *a, s64 n, unsigned int width)
{
	u64 size = n < 0 ? -(u64)n : (u64)n;
	bool fits = n < 0 ? a->r64.umin >= size : a->r64.umax <= kps_width_mask(width) - size;

	return fits ? kps_stride_shift(a->stride, n) : (struct kps_stride){ .step = 0 };
}

static struct kps_stride stride_sum(u8 op, const struct kps_scalar *a,
				    const struct kps_scalar *b, unsigned int width)
{
	const struct kps_stride none = { .step = 0 };
	u64 most;
	s64 n;

	if (kps_scalar_is_const(b)) {
		n = kps_sext(b->bits.value, width);
		return n == S64_MIN ? none : stride_shift(a, op == BPF_ADD ? n : -n, width);
	}
	if (kps_scalar_is_const(a) && op == BPF_ADD)
		return stride_shift(b, kps_sext(a->bits.value, width), width);
	if (op == BPF_SUB)
		return a->r64.umin >= b->r64.umax ?
		       kps_stride_add(a->stride, kps_stride_negate(b->stride)) : none;
	if (check_add_overflow(a->r64.umax, b->r64.umax, &most) || most > kps_width_mask(width))
		return none;
	return kps_stride_add(a->stride, b->stride);
}

static struct kps_stride stride_product(const struct kps_scalar *a, u64 n, unsigned int width)
{
	u64 most;

	if (!n || check_mul_overflow(a->r64.umax, n, &most) || most > kps_width_mask(width))
		return (struct kps_stride){ .step = 0 };
	return kps_stride_scale(a->stride, n);
}

static struct kps_stride stride_alu(u8 op, unsigned int width, const struct kps_scalar *a,
				    const struct kps_scalar *b)
{
	u64 most_a, most_b, n = b->bits.value & kps_width_mask(width);
	bool by_const = kps_scalar_is_const(b);

	if (!operand(a, width, &most_a) || (!operand(b, width, &most_b) && !by_const))
		return (struct kps_stride){ .step = 0 };
	if (op == BPF_MUL && by_const && (a->stride.step || n & (n - 1)))
		return stride_product(a, n, width);
	if (op == BPF_LSH && by_const && a->stride.step)
		return stride_product(a, 1ULL << (n & (width - 1)), width);
	if ((op == BPF_ADD || op == BPF_SUB) && (a->stride.step || b->stride.step))
		return stride_sum(op, a, b, width);
	return (struct kps_stride){ .step = 0 };
}

/* Inlined with a known @op, only that operation is left of it. */
static __always_inline void alu64(u8 op, bool is_signed, struct kps_scalar *a,
				  const struct kps_scalar *b)
{
	a->bits = bits_alu(op, is_signed, a->bits, b->bits, 64);
	a->r64 = range_alu(op, is_signed, a->r64, b->r64, 64);
	if (!low_half_suffices(op))
		a->r32 = kps_range_full(32);
	else if (!kps_range_is_full(&a->r32, 32) || (op != BPF_ADD && op != BPF_SUB))
		a->r32 = range_alu(op, false, a->r32, b->r32, 32);
}

static __always_inline void alu32(u8 op, bool is_signed, struct kps_scalar *a,
				  const struct kps_scalar *b)
{
	a->bits = kps_tnum_cut(bits_alu(op, is_signed, kps_tnum_cut(a->bits, 32),
					kps_tnum_cut(b->bits, 32), 32), 32);
	a->r32 = range_alu(op, is_signed, a->r32, b->r32, 32);
	a->r64 = kps_range_unsigned(0, U32_MAX, 64);
}

static void alu(u8 op, bool is_signed, unsigned int width, struct kps_scalar *a,
		const struct kps_scalar *b)
{
	if (width == 32)
		alu32(op, is_signed, a, b);
	else if (op == BPF_ADD)
		alu64(BPF_ADD, false, a, b);
	else if (op == BPF_AND)
		alu64(BPF_AND, false, a, b);
	else
		alu64(op, is_signed, a, b);
}

/* Most arithmetic in straight code is on constants, and the bits say it all. */
static void alu_const(u8 op, bool is_signed, unsigned int width, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	struct kps_tnum bits;

	bits = bits_alu(op, is_signed, kps_tnum_cut(a->bits, width),
			kps_tnum_cut(b->bits, width), width);
	*a = kps_scalar_const(kps_tnum_cut(bits, width).value);
}

static noinline void alu_any(u8 op, bool is_signed, unsigned int width,
			     struct kps_scalar *a, const struct kps_scalar *b)
{
	struct kps_stride stride = stride_alu(op, width, a, b);

	alu(op, is_signed, width, a, b);
	a->stride = stride;
	kps_scalar_settle(a);
}

void kps_scalar_alu(u8 op, bool is_signed, unsigned int width,
		    struct kps_scalar *a, const struct kps_scalar *b)
{
	if (!(a->bits.mask | b->bits.mask))
		alu_const(op, is_signed, width, a, b);
	else if (!kps_scalar_plain(op, width, a, b))
		alu_any(op, is_signed, width, a, b);
}
