// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intervals of 64 and of 32 bits: what members give is in the result. Joins and
 * inclusion only compare ends; chains of that are what a SAT solver is worst at,
 * and the exhaustive proofs are enough.
 */

#include "cbmc.h"

#define AT_WIDTH(name, result, w)						\
	void prove_range_ ## name ## w(void)					\
	{									\
		struct kps_range a = any_range(w), b = any_range(w);		\
		u64 x = range_member(a, w), y = range_member(b, w);		\
										\
		prove(kps_range_has(kps_range_ ## name(a, b, w), result, w));	\
	}

#define BINARY(name, result)		\
	AT_WIDTH(name, result, 64)	\
	AT_WIDTH(name, result, 32)

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(and, x & y)
BINARY(or, x | y)

#define SHIFTS(w)							\
	AT_WIDTH(lsh, x << (y & (w - 1)), w)				\
	AT_WIDTH(rsh, x >> (y & (w - 1)), w)				\
	AT_WIDTH(arsh, (u64)(kps_sext(x, w) >> (y & (w - 1))), w)

SHIFTS(64)
SHIFTS(32)

#define SETS(w)									\
	void prove_range_agree ## w(void)					\
	{									\
		struct kps_range r = any_range(w);				\
		u64 n = range_member(r, w);					\
										\
		prove(kps_range_agree(&r, w));					\
		prove(kps_range_has(r, n, w));					\
	}									\
										\
	void prove_range_meet ## w(void)					\
	{									\
		struct kps_range a = any_range(w), b = any_range(w);		\
		u64 n = range_member(a, w);					\
										\
		assume(kps_range_has(b, n, w));					\
		prove(kps_range_meet(&a, b));					\
		prove(kps_range_has(a, n, w));					\
	}									\
										\
	void prove_range_const ## w(void)					\
	{									\
		u64 n = nondet_u64();						\
		struct kps_range r = kps_range_const(n, w);			\
										\
		prove(kps_range_has(r, n, w));					\
		prove(r.umin == r.umax && r.smin == r.smax);			\
	}

SETS(64)
SETS(32)
