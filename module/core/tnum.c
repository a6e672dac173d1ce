// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - tracked numbers: which bits are known, and what they are */

#include <linux/bitops.h>
#include <linux/types.h>

#include "core/tnum.h"

struct kps_tnum kps_tnum_sext(struct kps_tnum t, unsigned int width)
{
	return kps_tnum_arsh(kps_tnum_lsh(t, 64 - width), 64 - width);
}

/* As for sums: the extremes of the borrow come from the extreme members. */
struct kps_tnum kps_tnum_sub(struct kps_tnum a, struct kps_tnum b)
{
	u64 diff = a.value - b.value;
	u64 unknown = ((diff + a.mask) ^ (diff - b.mask)) | a.mask | b.mask;

	return kps_tnum(diff & ~unknown, unknown);
}

/*
 * Long multiplication. The known parts multiply exactly; each bit of @a that may
 * be set adds, or does not add, some member of @b shifted: a set whose every bit
 * that b can have is unknown. Each known bit of @a adds only @b's uncertainty.
 */
struct kps_tnum kps_tnum_mul(struct kps_tnum a, struct kps_tnum b)
{
	struct kps_tnum sum = kps_tnum_const(a.value * b.value);

	while (a.value | a.mask) {
		if (a.value & 1)
			sum = kps_tnum_add(sum, kps_tnum(0, b.mask));
		else if (a.mask & 1)
			sum = kps_tnum_add(sum, kps_tnum(0, b.value | b.mask));
		a = kps_tnum_rsh(a, 1);
		b = kps_tnum_lsh(b, 1);
	}
	return sum;
}

struct kps_tnum kps_tnum_or(struct kps_tnum a, struct kps_tnum b)
{
	u64 ones = a.value | b.value;

	return kps_tnum(ones, (a.mask | b.mask) & ~ones);
}

struct kps_tnum kps_tnum_xor(struct kps_tnum a, struct kps_tnum b)
{
	u64 unknown = a.mask | b.mask;

	return kps_tnum((a.value ^ b.value) & ~unknown, unknown);
}

/* An unknown sign bit spreads as unknown, a known one as itself. */
struct kps_tnum kps_tnum_arsh(struct kps_tnum a, unsigned int n)
{
	return kps_tnum((s64)a.value >> n, (s64)a.mask >> n);
}

