/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: liveness of registers and stack, and which values matter */
#ifndef KPS_LIVE_H
#define KPS_LIVE_H

#include <linux/types.h>

#include "core/env.h"

/**
 * struct kps_live - what may still be read from a place on
 * @slots: bit n: stack slot n of the function's own frame
 * @regs: bit n: rn
 * @matter: bit n: the number in rn may become part of an address, an argument or a
 *	result, or be compared; what else is live is only moved about
 */
struct kps_live {
	u64 slots;
	u16 regs;
	u16 matter;
};

/** kps_live_build - liveness at block starts, frames' sizes: 0 or -ENOMEM */
int kps_live_build(struct kps_env *env);

/** kps_drop_dead - forget registers and slots that nothing reads any more */
void kps_drop_dead(const struct kps_env *env, struct kps_state *s, u32 block);

/** kps_drop_unless - forget registers and slots that are not in @live */
void kps_drop_unless(struct kps_state *s, const struct kps_live *live);

#endif
