/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: from what the verifier finds to records */
#ifndef KPS_REPORT_H
#define KPS_REPORT_H

#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/env.h"

/*
 * Refusals (report.c). Each returns the problem to be completed; the caller returns
 * -EACCES. Only the first of a pass counts.
 */

/** kps_refuse - refuse an instruction because of register @n (or KAPSEL_NO_REG) */
struct kapsel_rec_problem *kps_refuse(const struct kps_at *at, u32 code, u32 n);

/** kps_refuse_value - refuse because of a value that is in no register */
struct kapsel_rec_problem *kps_refuse_value(const struct kps_at *at, u32 code,
					    const struct kps_reg *value);

/** kps_warn - a warning about the instruction; once for each place and code */
void kps_warn(const struct kps_at *at, u32 code, u32 n);

/** kps_facts - a register as records show it */
struct kapsel_facts kps_facts(const struct kps_env *env, const struct kps_state *s,
			      const struct kps_reg *reg, u32 n);

/** kps_path_insn - the instruction of a decision */
static inline u32 kps_path_insn(const struct kps_node *node)
{
	return node->insn;
}

/** kps_path_add - remember a decision; facts of register @n are kept while tracing */
int kps_path_add(const struct kps_at *at, u32 event, u32 outcome, u32 n);

/** kps_report - emit the records of a refusal and fill the verdict's code */
void kps_report(struct kps_env *env, struct kapsel_verdict *verdict);

/** kps_report_warnings - emit the warnings */
void kps_report_warnings(struct kps_env *env, struct kapsel_verdict *verdict);

#endif
