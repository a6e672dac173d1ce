// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - exploration: one state through one block */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/explore.h"
#include "core/list.h"
#include "core/live.h"
#include "core/oracle.h"
#include "core/proto.h"
#include "core/report.h"

static int step(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	u8 class = BPF_CLASS(insn->code);

	if (class == BPF_ALU64 || class == BPF_ALU)
		return kps_step_alu(at);
	switch (class) {
	case BPF_LD:
		return kps_step_lddw(at);
	case BPF_LDX:
		return kps_step_load(at);
	case BPF_ST:
		return kps_step_store(at);
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_ATOMIC ? kps_step_atomic(at) :
		       kps_step_store(at);
	default:
		return kps_step_helper(at);
	}
}

/* The instructions that end a block, beside plain ones. */
static bool is_jump(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	if (class != BPF_JMP && class != BPF_JMP32)
		return false;
	return BPF_OP(insn->code) != BPF_CALL || insn->src_reg || kps_calls_back(insn);
}

static void forget(struct kps_at *at, u32 n)
{
	*kps_reg_at(at, n) = kps_reg_scalar(kps_scalar_any(), at->pc);
}

/*
 * In a pass that is not judged, what failed is taken to have worked: the invariant
 * being looked for must hold where checks succeed. The judged pass fails if it must.
 */
static void assume_done(struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	u32 n;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		forget(at, insn->dst_reg);
		break;
	case BPF_JMP:
		forget(at, 0);
		for (n = 1; n <= 5; n++)
			*kps_reg_at(at, n) = kps_reg_uninit();
		break;
	}
}

static int step_or_assume(struct kps_at *at)
{
	int err = step(at);

	if (err != -EACCES || !at->env->unjudged)
		return err;
	assume_done(at);
	return 0;
}

static void claim(const struct kps_at *at)
{
	if (!at->env->unjudged)
		kps_oracle_claim(at->env, at->s, at->pc);
}

/* Straight on to the jump that ends the block, or to its end: nothing else jumps. */
static int run_straight(struct kps_at *at)
{
	u32 n = 0, last = at->end - is_jump(&at->env->in->insns[at->end - 1]);
	int err = 0;

	while (at->pc < last) {
		claim(at);
		err = step_or_assume(at);
		if (err)
			break;
		at->pc += kps_insn_slots(kps_insn_at(at));
		n++;
	}
	return err ?: kps_tick(at, n);
}

/* What moves with an operand is narrowed by either outcome: not so what neither reads. */
static void drop_before_branch(const struct kps_at *at, const struct kps_block *b)
{
	const struct kps_live *falls = &at->env->live[b->succ[0]];
	const struct kps_live *jumps = &at->env->live[b->succ[1]];
	struct kps_live live = {
		.slots = falls->slots | jumps->slots,
		.regs = falls->regs | jumps->regs | kps_insn_regs(kps_insn_at(at)).use,
	};

	kps_drop_unless(at->s, &live);
}

static bool moves_others(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);

	return kps_reg_at(at, insn->dst_reg)->id || kps_reg_at(at, insn->src_reg)->id;
}

static int step_branch(struct kps_explorer *x, const struct kps_at *at,
		       const struct kps_block *b)
{
	struct kps_state *taken;
	bool falls = false;
	int err;

	if (moves_others(at))
		drop_before_branch(at, b);
	err = kps_branch(at, &taken, &falls);
	if (err || (!falls && taken != at->s))
		kps_state_free(&x->env->pool, at->s);
	if (!err && taken)
		err = kps_push(x, b->succ[1], taken);
	if (!err && falls)
		err = kps_push(x, b->succ[0], at->s);
	return err;
}

/*
 * What the callee finds: the arguments, nothing else. Addresses of functions stay in
 * the function that took them, where the call graph counts them as called.
 */
static int step_call(struct kps_explorer *x, const struct kps_at *at,
		     const struct kps_block *b)
{
	struct kps_env *env = x->env;
	struct kps_frame *caller = kps_top(at->s), *callee;
	u32 sub = kps_cfg_subprog_at(&env->cfg, at->pc + kps_insn_at(at)->imm + 1);
	u32 n, entry = env->cfg.subprogs[sub].first_block;
	int err = kps_check_unlocked(at, KPS_D_LOCK_CALL);

	if (err)
		goto out_free;
	err = -ENOMEM;
	if (!kps_frame_push(&env->pool, at->s, sub, env->cfg.subprogs[sub].slots, at->pc))
		goto out_free;
	callee = kps_top(at->s);
	for (n = 1; n <= 5; n++)
		if (caller->reg[n].kind != KAPSEL_KIND_FUNC)
			callee->reg[n] = caller->reg[n];
	for (n = 0; n < KPS_FP; n++)
		if (n <= 5 || !(env->live[b->succ[0]].regs & (1u << n)))
			caller->reg[n] = kps_reg_uninit();
	err = kps_path_add(at, KAPSEL_STEP_ENTER, env->cfg.subprogs[sub].start, KAPSEL_NO_REG);
	if (err)
		goto out_free;
	kps_drop_dead(env, at->s, entry);
	return kps_list_add(env, &x->pending[entry], at->s, &env->live[entry]);

out_free:
	kps_state_free(&env->pool, at->s);
	return err;
}

static int check_callee_exit(struct kps_explorer *x, const struct kps_at *at)
{
	const struct kps_reg *r0 = kps_reg_at(at, 0);
	u32 code = 0;

	if (x->top->callback) {
		if (r0->kind == KAPSEL_KIND_UNINIT)
			code = KPS_D_UNINIT;
		else if (r0->kind != KAPSEL_KIND_SCALAR)
			code = KPS_D_RETURN_NUMBER;
		else if (r0->val.r64.umax > 1)
			code = KPS_D_CALLBACK;
	} else if (r0->kind == KAPSEL_KIND_STACK && r0->object == at->s->depth - 1) {
		code = KPS_D_FRAME;
	} else if (r0->kind == KAPSEL_KIND_FUNC) {
		code = KPS_D_CALLBACK;
	}
	if (!code)
		return 0;
	kps_refuse(at, code, 0);
	return -EACCES;
}

static int step_return(struct kps_explorer *x, const struct kps_at *at)
{
	struct kps_env *env = x->env;
	struct kps_reg r0 = *kps_reg_at(at, 0);
	struct kps_frame *caller;
	int err = kps_check_unlocked(at, KPS_D_LOCK_HELD) ?: check_callee_exit(x, at) ?:
		  kps_path_add(at, KAPSEL_STEP_LEAVE, 0, 0);

	if (err)
		goto out_free;
	err = x->top->callback ? kps_dynptr_leave(at) : 0;
	if (err)
		goto out_free;
	kps_frame_pop(&env->pool, at->s);
	caller = kps_frame_own(&env->pool, at->s, at->s->depth - 1, 0);
	err = -ENOMEM;
	if (!caller)
		goto out_free;
	if (!x->top->callback)
		caller->reg[0] = r0;
	return kps_return(x, at->s);

out_free:
	kps_state_free(&env->pool, at->s);
	return err;
}

static int step_exit(struct kps_explorer *x, const struct kps_at *at)
{
	struct kps_env *env = x->env;
	int err;

	if (at->s->depth > 1)
		return step_return(x, at);
	err = kps_step_exit_main(at);
	kps_exit_main(x, at->s->steps);
	kps_state_free(&env->pool, at->s);
	return err;
}

static int step_jump(struct kps_explorer *x, const struct kps_at *at, u32 block)
{
	const struct kps_block *b = &x->env->cfg.blocks[block];
	const struct bpf_insn *insn = kps_insn_at(at);

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return kps_push(x, b->succ[0], at->s);
	case BPF_EXIT:
		return step_exit(x, at);
	case BPF_CALL:
		if (insn->src_reg == BPF_PSEUDO_CALL)
			return step_call(x, at, b);
		return kps_callback_call(x, block, at->s);
	default:
		return step_branch(x, at, b);
	}
}

int kps_run_block(struct kps_explorer *x, u32 block, struct kps_state *s)
{
	const struct kps_block *b = &x->env->cfg.blocks[block];
	struct kps_at at = { .env = x->env, .s = s, .pc = b->start, .end = b->end };
	int err;

	x->env->visits[block]++;
	/* A judged pass that fails on the way through is the last. */
	if (!x->env->unjudged)
		x->env->proof->aux[b->start].seen = true;
	x->env->shifted_for = 0;
	err = kps_frame_own(&x->env->pool, s, s->depth - 1, 0) ? 0 : -ENOMEM;
	err = err ?: run_straight(&at);
	if (!err && at.pc == b->end)
		return kps_push(x, b->succ[0], s);
	err = err ?: kps_tick(&at, 1);
	if (err) {
		kps_state_free(&x->env->pool, s);
		return err;
	}
	claim(&at);
	return step_jump(x, &at, block);
}
