// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - lowering: functions and places, as loaded and in the code */

#include <linux/errno.h>
#include <linux/types.h>

#include "core/insn.h"
#include "core/lower.h"
#include "core/verifier.h"

void kps_lower_funcs(const struct kps_prog_in *in, const struct kps_proof *proof,
		     struct kps_lower_func *funcs)
{
	u32 i, pc = 0, at = 0;

	for (i = 0; i < proof->nr_subprogs; i++) {
		const struct kps_proof_subprog *subprog = &proof->subprogs[i];

		funcs[i] = (struct kps_lower_func){
			.first = at, .stack = subprog->stack,
			.seen = subprog->seen,
		};
		for (; pc < subprog->end; at++)
			pc += kps_insn_slots(&in->insns[pc]);
		funcs[i].end = at;
	}
}

u32 kps_lower_slot(const struct kps_prog_in *in, u32 at)
{
	u32 pc = 0;

	while (at--)
		pc += kps_insn_slots(&in->insns[pc]);
	return pc;
}

u32 kps_lower_find(const struct kps_lower_func *funcs, u32 nr, u32 at)
{
	u32 low = 0, high = nr;

	while (high - low > 1) {
		u32 mid = low + (high - low) / 2;

		if (funcs[mid].first <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int kps_lower_callee(const struct kps_code *code, u32 at,
		     const struct kps_lower_func *funcs, u32 nr)
{
	const struct kps_code_insn *insn = &code->insns[at];

	if (insn->op != KPS_ROW_call_local && insn->op != KPS_CODE_loop &&
	    insn->op != KPS_CODE_each && insn->op != KPS_CODE_drain)
		return -ENOENT;
	return kps_lower_find(funcs, nr, at + 1 + (s64)insn->imm);
}
