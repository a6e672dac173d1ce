/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: liveness of registers */
#ifndef KPS_LIVE_H
#define KPS_LIVE_H

#include <linux/types.h>

#include "core/env.h"

/** kps_live_build - liveness of registers at block starts: 0 or -ENOMEM */
int kps_live_build(struct kps_env *env);

/** kps_drop_dead - forget registers that nothing reads any more */
void kps_drop_dead(const struct kps_env *env, struct kps_state *s, u32 block);

#endif
