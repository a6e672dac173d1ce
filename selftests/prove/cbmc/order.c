// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an order or a difference tells of intervals leaves in every pair of members that
 * compares so. An order concerns one reading of a number, signed or unsigned, so the
 * other is as wide as it can be: a SAT solver would look at it. See assume.c.
 */

#include <uapi/linux/bpf.h>

#include "core/scalar_jmp.c"

#include "cbmc.h"

static struct side u_side(unsigned int w)
{
	struct side side = { kps_tnum(0, kps_width_mask(w)), kps_range_full(w) };

	side.r.umin = nondet_u64();
	side.r.umax = nondet_u64();
	assume(side.r.umin <= side.r.umax && side.r.umax <= kps_width_mask(w));
	return side;
}

static struct side s_side(unsigned int w)
{
	struct side side = { kps_tnum(0, kps_width_mask(w)), kps_range_full(w) };

	side.r.smin = nondet_s64();
	side.r.smax = nondet_s64();
	assume(side.r.smin <= side.r.smax && side.r.smin >= kps_smin(w) &&
	       side.r.smax <= kps_smax(w));
	return side;
}

#define ORDER(name, op, reading, w, outcome)				\
	void prove_order_ ## name ## w(void)				\
	{								\
		struct side a = reading ## _side(w);			\
		struct side b = reading ## _side(w);			\
		u64 n = range_member(a.r, w), m = range_member(b.r, w);	\
		reading ## w x = n, y = m;				\
									\
		assume(outcome);					\
		prove(assume_side(op, &a, &b, w));			\
		prove(kps_range_has(a.r, n, w));			\
		prove(kps_range_has(b.r, m, w));			\
	}

#define BOTH(name, op, reading, outcome)		\
	ORDER(name, op, reading, 64, outcome)		\
	ORDER(name, op, reading, 32, outcome)

BOTH(gt, BPF_JGT, u, x > y)
BOTH(ge, BPF_JGE, u, x >= y)
BOTH(lt, BPF_JLT, u, x < y)
BOTH(le, BPF_JLE, u, x <= y)
BOTH(sgt, BPF_JSGT, s, x > y)
BOTH(sge, BPF_JSGE, s, x >= y)
BOTH(slt, BPF_JSLT, s, x < y)
BOTH(sle, BPF_JSLE, s, x <= y)
BOTH(eq, BPF_JEQ, u, x == y)
BOTH(seq, BPF_JEQ, s, x == y)
BOTH(ne, BPF_JNE, u, x != y)
BOTH(sne, BPF_JNE, s, x != y)
