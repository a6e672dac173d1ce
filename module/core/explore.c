// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - exploration: all states of a function in schedule order */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/explore.h"
#include "core/live.h"
#include "core/loop.h"
#include "core/proto.h"
#include "core/report.h"

#define POLL_INTERVAL	1024	/* instructions */

int kps_tick(const struct kps_at *at, u32 n)
{
	struct kps_env *env = at->env;

	env->visited += n;
	at->s->steps = at->s->steps > U64_MAX - n ? U64_MAX : at->s->steps + n;
	if (at->s->steps > env->ceiling && !env->unjudged && !env->in->metered) {
		kps_refuse(at, KPS_D_CEILING, KAPSEL_NO_REG)->detail = env->ceiling;
		return -E2BIG;
	}
	if (env->visited > env->limit_visited) {
		kps_refuse(at, KPS_D_BUDGET_INSNS, KAPSEL_NO_REG)->detail = env->limit_visited;
		return -E2BIG;
	}
	if (env->visited - env->polled < POLL_INTERVAL)
		return 0;
	env->polled = env->visited;
	return env->host->poll(env->host->priv);
}

int kps_push(struct kps_explorer *x, u32 block, struct kps_state *s)
{
	const struct kps_block *b = &x->env->cfg.blocks[block];
	const struct kps_activation *act = x->top;
	int err;

	if (kps_loop_leaves(x, block, s, &err))
		return err;
	if (x->walk)
		kps_paths_leave(x, block, s->steps);
	if (!kps_frame_own(&x->env->pool, s, s->depth - 1, 0)) {
		kps_state_free(&x->env->pool, s);
		return -ENOMEM;
	}
	kps_drop_dead(x->env, s, block);
	/* In a weak topological order only heads of loops are gone back to. */
	if (b->order <= act->pos)
		return kps_list_add(x->env, &x->loops[b->loop].back, s, NULL);
	return kps_list_add(x->env, &x->pending[block], s, &x->env->live[block]);
}

void kps_enter(struct kps_explorer *x, u32 subprog, u32 call, bool callback)
{
	struct kps_activation *act = &x->activations[subprog];

	*act = (struct kps_activation){
		.parent = x->top, .subprog = subprog, .call = call, .callback = callback,
	};
	x->top = act;
	x->env->proof->subprogs[subprog].seen = true;
}

static struct kps_list take(struct kps_list *list)
{
	struct kps_list all = *list;

	*list = (struct kps_list){ .first = NULL };
	return all;
}

/* Past a block: around again if a loop ends here that is not done. */
static int advance(struct kps_explorer *x)
{
	const struct kps_cfg *cfg = &x->env->cfg;
	struct kps_activation *act = x->top;
	const struct kps_subprog *sub = &cfg->subprogs[act->subprog];
	u32 loop = cfg->blocks[cfg->schedule[sub->sched + act->pos]].loop;
	bool again = false;
	int err = 0;

	/* The position stays: states that loops release here are pushed from it. */
	while (loop != KPS_NONE && cfg->loops[loop].last == act->pos + 1 && !err) {
		err = kps_loop_end(x, loop, &again);
		if (again) {
			act->pos = cfg->loops[loop].first;
			return err;
		}
		loop = cfg->loops[loop].parent;
	}
	act->pos++;
	return err;
}

static bool is_head(const struct kps_cfg *cfg, u32 block)
{
	u32 loop = cfg->blocks[block].loop;

	return loop != KPS_NONE && cfg->loops[loop].head == block;
}

static bool calls_callback(const struct kps_env *env, u32 block)
{
	const struct bpf_insn *last = &env->in->insns[env->cfg.blocks[block].end - 1];

	return kps_calls_back(last);
}

/* All states of a block ran; those that call a function enter it together. */
static int after_block(struct kps_explorer *x, u32 block)
{
	const struct kps_env *env = x->env;
	const struct bpf_insn *last = &env->in->insns[env->cfg.blocks[block].end - 1];
	u32 pc = env->cfg.blocks[block].end - 1, callee;

	if (last->code == (BPF_JMP | BPF_CALL) && last->src_reg == BPF_PSEUDO_CALL) {
		callee = kps_cfg_subprog_at(&env->cfg, pc + last->imm + 1);
		if (x->pending[env->cfg.subprogs[callee].first_block].nr) {
			kps_enter(x, callee, block, false);
			return 0;
		}
	} else if (calls_callback(env, block) &&
		   x->activations[env->proof->aux[pc].arg].heads.nr) {
		return kps_callback_begin(x, block);
	}
	return advance(x);
}

/* States at a block: those that wait, and at a loop's head those of its next pass. */
static int collect(struct kps_explorer *x, u32 block, struct kps_list *list)
{
	const struct kps_cfg *cfg = &x->env->cfg;
	u32 loop = cfg->blocks[block].loop;
	struct kps_loop_run *run;

	*list = take(&x->pending[block]);
	if (!is_head(cfg, block))
		return 0;
	run = &x->loops[loop];
	if (run->phase == KPS_LOOP_WALK && run->back.nr)
		*list = take(&run->back);
	if (!list->nr && run->phase == KPS_LOOP_IDLE)
		return 0;
	return kps_loop_begin(x, loop, list);
}

static int run_position(struct kps_explorer *x)
{
	const struct kps_cfg *cfg = &x->env->cfg;
	u32 block = cfg->schedule[cfg->subprogs[x->top->subprog].sched + x->top->pos];
	struct kps_list list;
	int err = collect(x, block, &list);

	if (!err && !list.first)
		return advance(x);
	while (list.first && !err) {
		struct kps_state *s = list.first;

		list.first = s->next;
		err = kps_forgive(x->env, kps_run_block(x, block, s));
	}
	return err ?: after_block(x, block);
}

int kps_return(struct kps_explorer *x, struct kps_state *s)
{
	int err;

	if (kps_loop_leaves(x, KPS_NONE, s, &err))
		return err;
	return kps_list_add(x->env, &x->top->exits, s, NULL);
}

/* A function is through: its caller goes on with what it returned. */
static int leave(struct kps_explorer *x)
{
	struct kps_activation *act = x->top;
	const struct kps_block *call;
	bool again = false;
	int err = 0;

	if (act->callback) {
		err = kps_callback_done(x, &again);
		if (err || again)
			return err;
	}
	x->top = act->parent;
	if (!x->top)
		return 0;
	call = &x->env->cfg.blocks[act->call];
	while (act->exits.first && !err) {
		struct kps_state *s = act->exits.first;

		act->exits.first = s->next;
		err = kps_push(x, call->succ[0], s);
	}
	return err ?: advance(x);
}

static int explorer_init(struct kps_explorer *x, struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	struct kps_state *s;

	*x = (struct kps_explorer){ .env = env };
	x->pending = kps_arena_array(&env->work, cfg->nr_blocks, sizeof(*x->pending));
	x->loops = kps_arena_array(&env->work, cfg->nr_loops, sizeof(*x->loops));
	x->activations = kps_arena_array(&env->work, cfg->nr_subprogs, sizeof(*x->activations));
	s = kps_state_new(&env->pool, cfg->subprogs[0].slots);
	if (!x->pending || !x->loops || !x->activations || !s)
		return -ENOMEM;
	kps_enter(x, 0, KPS_NONE, false);
	return kps_list_add(env, &x->pending[0], s, NULL);
}

int kps_explore(struct kps_env *env)
{
	struct kps_explorer x;
	int err = explorer_init(&x, env);

	while (!err && x.top) {
		if (x.top->pos < env->cfg.subprogs[x.top->subprog].sched_len)
			err = run_position(&x);
		else
			err = leave(&x);
	}
	return err;
}
