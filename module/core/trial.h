/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - trials: programs that show whether a JIT compiles an instruction right */
#ifndef KPS_TRIAL_H
#define KPS_TRIAL_H

#include <linux/types.h>

#include "core/code.h"
#include "core/rewrite.h"

#define KPS_TRIAL_SLOTS		96	/* instructions of a trial, at most */
#define KPS_TRIAL_VALUES	11

/**
 * struct kps_trial_mem - the memory that a trial works on; r1 points to it
 * @in: two values
 * @word: what loads, stores and atomic operations touch
 * @out: registers afterwards, for each immediate
 */
struct kps_trial_mem {
	u64 in[2];
	u64 word[2];
	u64 out[8][3];
};

/** kps_trial_values - edge values, to be tried in pairs */
extern const u64 kps_trial_values[KPS_TRIAL_VALUES];

/**
 * kps_trial_build - make the trial of an instruction
 * @row: of opcodes.tbl
 * @helper: adds its arguments up; for the trial of a call
 * @code: with room for KPS_TRIAL_SLOTS
 *
 * It touches nothing but its memory, whatever the instruction is mistaken for.
 *
 * Return: 0, or -ENOENT if the row never reaches a JIT.
 */
int kps_trial_build(u32 row, kps_helper_fn helper, struct kps_code *code);

#endif
