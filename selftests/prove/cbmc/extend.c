// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions, joins and inclusion of whole numbers: what becomes of a member is in the
 * result. That kps_scalar_sync() keeps it is sync.c's to show. Bits, and intervals of 64
 * and of 32 bits, go their own ways through these functions: each is looked at alone.
 */

#include "cbmc.h"

/* The one number that a proof follows. */
static u64 member;

/* Whatever becomes of a set, a number that was in it stays in. */
bool kps_scalar_sync_contract(struct kps_scalar *s)
{
	prove(kps_scalar_has(s, member));
	*s = kps_scalar_any();
	return true;
}

static struct kps_scalar only_bits(void)
{
	struct kps_scalar s = kps_scalar_any();

	s.bits = any_tnum();
	return s;
}

static struct kps_scalar only_r64(void)
{
	struct kps_scalar s = kps_scalar_any();

	s.r64 = any_range(64);
	return s;
}

static struct kps_scalar only_r32(void)
{
	struct kps_scalar s = kps_scalar_any();

	s.r32 = any_range(32);
	return s;
}

#define PARTS(name, ...)			\
	name(bits, __VA_ARGS__)			\
	name(r64, __VA_ARGS__)			\
	name(r32, __VA_ARGS__)

#define ZEXT(part, w, result)					\
	void prove_zext_ ## part ## _ ## w(void)		\
	{							\
		struct kps_scalar s = only_ ## part();		\
		u64 n = scalar_member(&s);			\
								\
		member = result;				\
		kps_scalar_zext(&s, w);				\
		prove(kps_scalar_has(&s, member));		\
	}

PARTS(ZEXT, 8, (u8)n)
PARTS(ZEXT, 16, (u16)n)
ZEXT(bits, 32, (u32)n)
ZEXT(r64, 32, (u32)n)

#define SEXT(part, from, result)				\
	void prove_sext_ ## part ## _ ## from(void)		\
	{							\
		struct kps_scalar s = only_ ## part();		\
		u64 n = scalar_member(&s);			\
								\
		member = result;				\
		kps_scalar_sext(&s, from, 64);			\
		prove(kps_scalar_has(&s, member));		\
	}

PARTS(SEXT, 8, (s64)(s8)n)
PARTS(SEXT, 16, (s64)(s16)n)
PARTS(SEXT, 32, (s64)(s32)n)

#define MEET(part)							\
	void prove_meet_ ## part(void)					\
	{								\
		struct kps_scalar a = only_ ## part();			\
		struct kps_scalar b = only_ ## part();			\
									\
		member = scalar_member(&a);				\
		assume(kps_scalar_has(&b, member));			\
		prove(kps_scalar_meet(&a, &b));				\
	}

MEET(bits)
MEET(r64)
MEET(r32)

/* Joined with any other, on either side. Of bits, tnum.c has it. */
void prove_join_r64(void)
{
	struct kps_scalar a = only_r64(), b = only_r64();
	struct kps_scalar ab = a, ba = b;
	u64 n = scalar_member(&a);

	kps_scalar_join(&ab, &b);
	kps_scalar_join(&ba, &a);
	prove(kps_scalar_has(&ab, n));
	prove(kps_scalar_has(&ba, n));
}
