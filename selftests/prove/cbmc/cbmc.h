/* SPDX-License-Identifier: GPL-2.0-only */
/* What the proofs by CBMC share: any operand, and any member of it */
#ifndef KPS_PROVE_CBMC_H
#define KPS_PROVE_CBMC_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "core/scalar.h"

/* CBMC takes what is called so to return anything. */
bool nondet_bool(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
s64 nondet_s64(void);

void __CPROVER_assume(bool holds);
void __CPROVER_assert(bool holds, const char *what);

#define assume(holds)	__CPROVER_assume(holds)
#define prove(holds)	__CPROVER_assert(holds, #holds)

static inline struct kps_tnum any_tnum(void)
{
	struct kps_tnum t = kps_tnum(nondet_u64(), nondet_u64());

	assume(!(t.value & t.mask));
	return t;
}

/* Ends that a width has; nothing else is said of them. */
static inline struct kps_range any_range(unsigned int w)
{
	struct kps_range r = { nondet_u64(), nondet_u64(), nondet_s64(), nondet_s64() };

	assume(r.umax <= kps_width_mask(w) && r.umin <= r.umax);
	assume(r.smin >= kps_smin(w) && r.smax <= kps_smax(w) && r.smin <= r.smax);
	return r;
}

/* Steps are left to the exhaustive proofs: the rest of a division is hard here. */
static inline struct kps_scalar any_scalar(void)
{
	struct kps_scalar s = kps_scalar_any();

	s.bits = any_tnum();
	s.r64 = any_range(64);
	s.r32 = any_range(32);
	return s;
}

/* Every number of a set is any member of it. */
static inline u64 tnum_member(struct kps_tnum t)
{
	u64 n = nondet_u64();

	assume(kps_tnum_has(t, n));
	return n;
}

static inline u64 range_member(struct kps_range r, unsigned int w)
{
	u64 n = nondet_u64();

	assume(n <= kps_width_mask(w) && kps_range_has(r, n, w));
	return n;
}

static inline u64 scalar_member(const struct kps_scalar *s)
{
	u64 n = nondet_u64();

	assume(kps_scalar_has(s, n));
	return n;
}

#endif
