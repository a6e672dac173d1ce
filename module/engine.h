/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - which engine runs a program, and why */
#ifndef KPS_ENGINE_H
#define KPS_ENGINE_H

#include <linux/types.h>

struct kps_prog;
struct kps_prog_in;
struct kps_proof;

/**
 * kps_engines - the engines there are
 * @jit_why: out: why there is no JIT, KAPSEL_WHY_*
 *
 * Return: 1 << KAPSEL_ENGINE_* for each.
 */
u32 kps_engines(u32 *jit_why);

/** kps_engine_missing - why engine @asked runs no program at all; 0: it may */
u32 kps_engine_missing(u32 asked);

/**
 * kps_engine_choose - give a program its engine
 * @prog: with code; gets what runs, and why that
 * @asked: KAPSEL_ENGINE_*
 * @in: as verified
 * @proof: of it
 *
 * Return: 0; -EOPNOTSUPP if the engine asked for can't, with @prog->why and
 * @prog->why_insn; -ENOMEM, -EINTR.
 */
int kps_engine_choose(struct kps_prog *prog, u32 asked,
		      const struct kps_prog_in *in, const struct kps_proof *proof);

#endif
