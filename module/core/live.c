// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - liveness: which registers may still be read */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/live.h"

#define ARGS	0x3e	/* r1 to r5 */

/* What a helper reads is in its prototype; an unknown one is refused anyway. */
static u16 helper_args(u32 id)
{
	const struct kps_helper *helper = kps_helper_find(id);
	u32 n = 0;

	while (helper && n < 5 && helper->args[n] != KPS_ARG_NONE)
		n++;
	return helper ? (u16)(ARGS & (BIT(n + 1) - 1)) : ARGS;
}

static u16 before_insn(const struct bpf_insn *insn, u16 after)
{
	struct kps_regset set = kps_insn_regs(insn);

	if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg)
		set.use = helper_args((u32)insn->imm);
	return (after & ~set.def) | set.use;
}

static u16 before_block(const struct kps_env *env, u32 b)
{
	const struct kps_block *block = &env->cfg.blocks[b];
	u16 live = 0;
	u32 i, pc;

	for (i = 0; i < 2; i++)
		if (block->succ[i] != KPS_NONE)
			live |= env->live[block->succ[i]];
	for (pc = block->end; pc > block->start;) {
		pc--;
		/* A lddw's second slot has opcode 0 and touches nothing. */
		if (env->in->insns[pc].code)
			live = before_insn(&env->in->insns[pc], live);
	}
	return live;
}

static bool pass_over(struct kps_env *env, const struct kps_subprog *sub)
{
	bool changed = false;
	u32 i;

	for (i = sub->sched_len; i--;) {
		u32 b = env->cfg.schedule[sub->sched + i];
		u16 live = before_block(env, b);

		changed |= live != env->live[b];
		env->live[b] = live;
	}
	return changed;
}

/*
 * Backwards over the schedule until nothing changes: once for code without loops,
 * once more for each level of nesting.
 */
int kps_live_build(struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	u32 i;

	env->live = kps_arena_array(&env->arena, cfg->nr_blocks, sizeof(*env->live));
	if (!env->live)
		return -ENOMEM;
	for (i = 0; i < cfg->nr_subprogs; i++)
		while (pass_over(env, &cfg->subprogs[i]))
			;
	return 0;
}

void kps_drop_dead(const struct kps_env *env, struct kps_state *s, u32 block)
{
	struct kps_frame *f = kps_top(s);
	u32 n;

	for (n = 0; n < KPS_FP; n++)
		if (!(env->live[block] & BIT(n)) && f->reg[n].kind != KAPSEL_KIND_UNINIT)
			f->reg[n] = kps_reg_uninit();
}
