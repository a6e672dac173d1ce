// SPDX-License-Identifier: GPL-2.0-only
/* Rules that are wrong: a proof that lets one of them pass is worth nothing */

#include "cbmc.h"

/* The low half of an interval, without a look at whether the high half changes. */
void control_truncated_bounds(void)
{
	struct kps_range r = any_range(64);
	u64 n = range_member(r, 64);

	prove(kps_range_has(kps_range_unsigned((u32)r.umin, (u32)r.umax, 32), n, 32));
}

/* A sum without the carries that come from the members' unknown bits. */
void control_sum_without_carries(void)
{
	struct kps_tnum a = any_tnum(), b = any_tnum();
	u64 sum = a.value + b.value, unknown = a.mask | b.mask;

	prove(kps_tnum_has(kps_tnum(sum & ~unknown, unknown), tnum_member(a) + tnum_member(b)));
}

/* Nothing may be assumed that no operand fulfils. */
void control_members_exist(void)
{
	struct kps_scalar s = any_scalar();
	u64 n = scalar_member(&s);

	prove(n == s.r64.umin && n == s.bits.value);
}
