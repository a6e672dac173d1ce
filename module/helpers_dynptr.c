// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for dynptrs, whatever they stand for */

#include "helpers.h"
#include "core/dynptr.h"

static void *pointer(u64 reg)
{
	return (void *)(unsigned long)reg;
}

u64 kps_h_dynptr_from_mem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_dynptr_make(pointer(r4), r1, r2, r3);
}

u64 kps_h_dynptr_read(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_dynptr_read(pointer(r1), r2, pointer(r3), r4, r5);
}

u64 kps_h_dynptr_write(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_dynptr_write(pointer(r1), r2, pointer(r3), r4, r5);
}

u64 kps_h_dynptr_data(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_dynptr_data(pointer(r1), r2, r3);
}
