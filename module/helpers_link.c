// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers that say where the program runs */

#include "helpers.h"
#include "link.h"
#include "run.h"

/* Of where a program runs by hand there is nothing to tell. */
static const struct kps_site nowhere;

static const struct kps_site *here(void)
{
	return kps_run_current()->site ?: &nowhere;
}

u64 kps_h_get_func_ip(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return here()->func;
}

u64 kps_h_get_attach_cookie(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return here()->cookie;
}
