// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for kprobe programs: the link that an event is of */

#include "helpers.h"
#include "link.h"
#include "run.h"

u64 kps_h_get_func_ip(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct kps_link *link = kps_run_current()->link;

	return link ? link->func : 0;
}

u64 kps_h_get_attach_cookie(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct kps_link *link = kps_run_current()->link;

	return link ? link->cookie : 0;
}
