/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the helpers' bodies */
#ifndef KPS_HELPERS_H
#define KPS_HELPERS_H

#include <linux/types.h>

#include "core/rewrite.h"

/* kps_h_NAME() for each row, in one declaration. */
u64
#define KPS_HELPER(_id, _name, ...) \
kps_h_##_name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5),
#include "core/helpers.tbl"
#undef KPS_HELPER
kps_h_none(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

/** kps_helper_body - the body of helper @id, or NULL */
kps_helper_fn kps_helper_body(u32 id);

int kps_helpers_init(void);

#endif
