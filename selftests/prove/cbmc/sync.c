// SPDX-License-Identifier: GPL-2.0-only
/*
 * kps_scalar_sync() leaves every member in: each of its two ways, a round and the
 * short one for numbers without a high half. It takes either, or both in turn.
 */

#include "core/scalar.c"

#include "cbmc.h"

void prove_sync_round(void)
{
	struct kps_scalar s = any_scalar();
	u64 n = scalar_member(&s);

	prove(sync_once(&s));
	prove(kps_scalar_has(&s, n));
}

void prove_sync_low(void)
{
	struct kps_scalar s = any_scalar();
	u64 n = scalar_member(&s);

	assume(high_is_zero(&s));
	prove(sync_low(&s));
	prove(kps_scalar_has(&s, n));
}
