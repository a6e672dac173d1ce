/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: the order of states and joins */
#ifndef KPS_LATTICE_H
#define KPS_LATTICE_H

#include <linux/types.h>

#include "core/env.h"

/*
 * Lattice (lattice.c)
 */

/** kps_state_in - everything that @a can be, @b can be too */
bool kps_state_in(struct kps_env *env, const struct kps_state *a,
		  const struct kps_state *b);

/** kps_state_joinable - the states may be joined: same calls, same references */
bool kps_state_joinable(const struct kps_state *a, const struct kps_state *b);

/** kps_state_distance - how much a join would forget; smaller is nearer */
u32 kps_state_distance(const struct kps_state *a, const struct kps_state *b);

/**
 * kps_state_join - make @a a state that holds all that @a and @b hold
 * @widen: repeated joins end with KPS_WIDEN soon, with KPS_FORGET at once
 *
 * Return: 0 or -ENOMEM.
 */
int kps_state_join(struct kps_env *env, struct kps_state *a,
		   const struct kps_state *b, enum kps_widening widen);

/** kps_thresholds_build - collect the program's constants: 0 or -ENOMEM */
int kps_thresholds_build(struct kps_env *env);

struct kps_loop_run;

/**
 * kps_thresholds_near - collect what the loop compares with, for widening its head
 *
 * Constants of its comparisons, those that compared registers are set to in it, and the
 * bounds of compared registers that it leaves alone. @run has a head.
 */
void kps_thresholds_near(struct kps_env *env, const struct kps_loop_run *run);

/** kps_widen_scalar - make @a hold @b too, its bounds moved to thresholds */
void kps_widen_scalar(const struct kps_env *env, struct kps_scalar *a,
		      const struct kps_scalar *b);

#endif
