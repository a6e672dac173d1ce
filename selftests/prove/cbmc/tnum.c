// SPDX-License-Identifier: GPL-2.0-only
/* Tracked numbers of 64 bits: what members give is in the result */

#include "cbmc.h"

#define BINARY(name, result, ...)					\
	void prove_tnum_ ## name(void)					\
	{								\
		struct kps_tnum a = any_tnum(), b = any_tnum();		\
		u64 x = tnum_member(a), y = tnum_member(b);		\
									\
		prove(kps_tnum_has(kps_tnum_ ## name(a, b), result));	\
	}

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(and, x & y)
BINARY(or, x | y)
BINARY(xor, x ^ y)

#define SHIFT(name, result)						\
	void prove_tnum_ ## name(void)					\
	{								\
		struct kps_tnum a = any_tnum();				\
		u64 x = tnum_member(a);					\
		u32 n = nondet_u32();					\
									\
		assume(n < 64);						\
		prove(kps_tnum_has(kps_tnum_ ## name(a, n), result));	\
	}

SHIFT(lsh, x << n)
SHIFT(rsh, x >> n)
SHIFT(arsh, (u64)((s64)x >> n))

void prove_tnum_cut(void)
{
	struct kps_tnum a = any_tnum();
	u64 x = tnum_member(a);
	u32 w = nondet_u32();

	assume(w >= 1 && w <= 64);
	prove(kps_tnum_has(kps_tnum_cut(a, w), x & kps_width_mask(w)));
	prove(kps_tnum_has(kps_tnum_sext(a, w), kps_sext(x, w)));
}

void prove_tnum_range(void)
{
	u64 min = nondet_u64(), max = nondet_u64(), n = nondet_u64();

	assume(min <= n && n <= max);
	prove(kps_tnum_has(kps_tnum_range(min, max), n));
}

void prove_tnum_join(void)
{
	struct kps_tnum a = any_tnum(), b = any_tnum();

	prove(kps_tnum_has(kps_tnum_join(a, b), tnum_member(a)));
}

void prove_tnum_meet(void)
{
	struct kps_tnum a = any_tnum(), b = any_tnum(), both;
	u64 n = tnum_member(a);

	if (!kps_tnum_meet(a, b, &both))
		prove(!kps_tnum_has(b, n));
	else
		prove(kps_tnum_has(both, n) == kps_tnum_has(b, n));
}

void prove_tnum_in(void)
{
	struct kps_tnum a = any_tnum(), b = any_tnum();
	u64 n = tnum_member(a);

	assume(kps_tnum_in(a, b));
	prove(kps_tnum_has(b, n));
}

/*
 * Multiplication adds, for each bit of @a, what that bit's product with a member
 * of @b differs by from the product of known parts: here any one step of it, with
 * a bit of a member x that may be known. By induction over the bits, and since
 * sums are proved, so is the whole.
 */
void prove_tnum_mul_step(void)
{
	struct kps_tnum sum = any_tnum(), b = any_tnum();
	u64 before = tnum_member(sum), y = tnum_member(b);
	bool known = nondet_bool(), bit = nondet_bool();
	struct kps_tnum more = kps_tnum(0, known ? b.mask : b.value | b.mask);
	u64 differs = known ? y - b.value : bit ? y : 0;

	prove(kps_tnum_has(kps_tnum_add(sum, more), before + differs));
}

/* The function itself, where @a has few bits. */
void prove_tnum_mul_short(void)
{
	struct kps_tnum a = any_tnum(), b = any_tnum();
	u64 x, y;

	assume((a.value | a.mask) < 4);
	x = tnum_member(a);
	y = tnum_member(b);
	prove(kps_tnum_has(kps_tnum_mul(a, b), (x & 1 ? y : 0) + (x & 2 ? y << 1 : 0)));
}
