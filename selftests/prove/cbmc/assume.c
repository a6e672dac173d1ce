// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a comparison tells of its operands leaves in every pair of members that
 * compares so. Orders concern intervals only (order.c), JSET concerns bits only; what is
 * left as it was is left out, since a SAT solver would look at it.
 */

#include <uapi/linux/bpf.h>

#include "core/scalar_jmp.c"

#include "cbmc.h"

static bool side_has(const struct side *side, u64 n, unsigned int w)
{
	return kps_tnum_has(side->bits, n) && kps_range_has(side->r, n, w);
}

enum parts { BITS, RANGES };

static struct side any_side(enum parts parts, unsigned int w)
{
	struct side side = { kps_tnum_cut(kps_tnum(0, ~0ULL), w), kps_range_full(w) };

	if (parts != RANGES)
		side.bits = kps_tnum_cut(any_tnum(), w);
	if (parts != BITS)
		side.r = any_range(w);
	return side;
}

static u64 side_member(const struct side *side, unsigned int w)
{
	u64 n = nondet_u64();

	assume(n <= kps_width_mask(w) && side_has(side, n, w));
	return n;
}

#define OUTCOME(kind, name, parts, w, type, call, outcome)		\
	void kind ## _assume_ ## name ## w(void)			\
	{								\
		struct side a = any_side(parts, w);			\
		struct side b = any_side(parts, w);			\
		u64 n = side_member(&a, w), m = side_member(&b, w);	\
		type x = n, y = m;					\
									\
		assume(outcome);					\
		prove(call);						\
		prove(side_has(&a, n, w));				\
		prove(side_has(&b, m, w));				\
	}

#define JUMP(name, op, parts, type, outcome)						\
	OUTCOME(prove, name, parts, 64, type ## 64, assume_side(op, &a, &b, 64), outcome)	\
	OUTCOME(prove, name, parts, 32, type ## 32, assume_side(op, &a, &b, 32), outcome)

JUMP(eq_bits, BPF_JEQ, BITS, u, x == y)
JUMP(set, BPF_JSET, BITS, u, (x & y) != 0)
OUTCOME(prove, not_set, BITS, 64, u64, assume_disjoint(&a, &b), !(x & y))
OUTCOME(prove, not_set, BITS, 32, u32, assume_disjoint(&a, &b), !(x & y))

static bool compare(u8 op, u64 x, u64 y)
{
	switch (op) {
	case BPF_JEQ:
		return x == y;
	case BPF_JNE:
		return x != y;
	case BPF_JGT:
		return x > y;
	case BPF_JGE:
		return x >= y;
	case BPF_JLT:
		return x < y;
	case BPF_JLE:
		return x <= y;
	case BPF_JSGT:
		return (s64)x > (s64)y;
	case BPF_JSGE:
		return (s64)x >= (s64)y;
	case BPF_JSLT:
		return (s64)x < (s64)y;
	default:
		return (s64)x <= (s64)y;
	}
}

void prove_assume_opposite(void)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT,
				  BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };
	u64 x = nondet_u64(), y = nondet_u64();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		prove(compare(opposite(ops[i]), x, y) == !compare(ops[i], x, y));
}

/* A strict comparison leaves out an end that a loose one keeps. */
OUTCOME(control, loose, RANGES, 64, u64, assume_side(BPF_JLT, &a, &b, 64), x <= y)
