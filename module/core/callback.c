// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - exploration: callbacks that a helper runs any number of times */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/explore.h"
#include "core/interp.h"
#include "core/lattice.h"
#include "core/report.h"

#define MAX_TRIPS	0x800000	/* the helper refuses more */

static u32 call_pc(const struct kps_explorer *x, u32 block)
{
	return x->env->cfg.blocks[block].end - 1;
}

/* All elements of a map, if it is known how many that may be: see struct kps_map_facts. */
static u32 most_elements(const struct kps_env *env, u32 map)
{
	const struct kps_map_facts *facts = &env->maps[map];

	if (kps_is_inner(map) && !(kps_map_type_find(facts->type)->ops & KAPSEL_MAP_OP_DIRECT))
		return U32_MAX;
	return facts->max_entries;
}

static bool is_drain(const struct kps_env *env, u32 pc)
{
	return env->in->insns[pc].imm == BPF_FUNC_user_ringbuf_drain;
}

/* A ring that was found in a map may be as large as any. */
static u32 most_drained(const struct kps_env *env, u32 map)
{
	return kps_most_samples(kps_is_inner(map) ? U32_MAX : env->maps[map].max_entries);
}

/* A helper that takes the number of runs takes it as 32 bits. */
static u32 most_trips(const struct kps_env *env, const struct kps_reg *r1, u32 pc)
{
	u64 most = r1->kind == KAPSEL_KIND_SCALAR ? r1->val.r32.umax : U32_MAX;

	if (r1->kind == KAPSEL_KIND_MAP && is_drain(env, pc))
		return most_drained(env, r1->object);
	if (r1->kind == KAPSEL_KIND_MAP)
		return most_elements(env, r1->object);
	return (u32)min_t(u64, most, MAX_TRIPS);
}

/* The engines call a callback that is known where the program is rewritten. */
static int note_callback(const struct kps_at *at)
{
	struct kps_insn_aux *aux = kps_aux_at(at);
	u32 sub = kps_reg_at(at, 2)->object;

	if (aux->kind == KPS_AUX_CALLBACK && aux->arg != sub) {
		kps_refuse(at, KPS_D_CALLBACK, 2);
		return -EACCES;
	}
	aux->kind = KPS_AUX_CALLBACK;
	aux->arg = sub;
	/* A run that ended in between would leave the ring busy for good. */
	if (is_drain(at->env, at->pc) && !at->env->unjudged)
		at->env->acquired = at->pc + 1;
	return 0;
}

/*
 * States wait in the callback's activation until all that call it are there. The
 * activation is not entered yet: its callers share it, for they have one callback.
 */
int kps_callback_call(struct kps_explorer *x, u32 block, struct kps_state *s)
{
	struct kps_at at = { .env = x->env, .s = s, .pc = call_pc(x, block) };
	const struct kps_helper *helper;
	int err = kps_check_helper(&at, &helper) ?: note_callback(&at);

	if (err) {
		kps_state_free(&x->env->pool, s);
		return err;
	}
	return kps_list_add(x->env, &x->activations[kps_aux_at(&at)->arg].heads, s,
			    NULL);
}

/* A sample is good for as long as the callback's frame, number @frame, is there. */
static void pass_sample(struct kps_frame *f, const struct kps_reg *caller, u32 frame, u32 pc)
{
	f->reg[1] = kps_reg_pointer(KAPSEL_KIND_SAMPLE, (u16)frame, 0, pc);
	f->reg[2] = caller[3];
}

/* An index or an element, of which nothing is known but the bounds. */
static void pass_arguments(struct kps_env *env, struct kps_frame *f,
			   const struct kps_reg *caller, u32 trips, u32 pc)
{
	if (caller[1].kind != KAPSEL_KIND_MAP) {
		f->reg[1] = kps_reg_scalar(kps_scalar_unsigned(0, trips - 1), pc);
		f->reg[2] = caller[3];
		return;
	}
	f->reg[1] = caller[1];
	f->reg[2] = kps_reg_pointer(KAPSEL_KIND_MAP_KEY, caller[1].object, 0, pc);
	f->reg[3] = kps_reg_pointer(KAPSEL_KIND_MAP_VALUE, caller[1].object, 0, pc);
	f->reg[3].ref = kps_value_ref(env, caller[1].object);
	f->reg[4] = caller[3];
}

/* Steps are counted from 0: the cost of one run. */
static int enter_from(struct kps_explorer *x, const struct kps_state *head, u32 sub, u32 pc)
{
	struct kps_env *env = x->env;
	struct kps_state *s = kps_state_copy(&env->pool, head);
	u32 trips = most_trips(env, &kps_top(head)->reg[1], pc);
	struct kps_at at = { .env = env, .s = s, .pc = pc };

	if (!s)
		return -ENOMEM;
	if (!trips) {
		kps_state_free(&env->pool, s);
		return 0;
	}
	if (!kps_frame_push(&env->pool, s, sub, env->cfg.subprogs[sub].slots, pc) ||
	    kps_path_add(&at, KAPSEL_STEP_ENTER, env->cfg.subprogs[sub].start, KAPSEL_NO_REG)) {
		kps_state_free(&env->pool, s);
		return -ENOMEM;
	}
	if (is_drain(env, pc))
		pass_sample(kps_top(s), kps_top(head)->reg, s->depth - 1, pc);
	else
		pass_arguments(env, kps_top(s), kps_top(head)->reg, trips, pc);
	s->steps = 0;
	return kps_list_add(env, &x->pending[env->cfg.subprogs[sub].first_block], s, NULL);
}

static int enter_from_all(struct kps_explorer *x, struct kps_activation *act, u32 pc)
{
	struct kps_state *s;
	int err = 0;

	for (s = act->heads.first; s && !err; s = s->next)
		err = enter_from(x, s, act->subprog, pc);
	return err;
}

int kps_callback_begin(struct kps_explorer *x, u32 block)
{
	u32 pc = call_pc(x, block), sub = x->env->proof->aux[pc].arg;
	struct kps_list heads = x->activations[sub].heads;

	kps_enter(x, sub, block, true);
	x->top->heads = heads;
	return enter_from_all(x, x->top, pc);
}

/* The state after one more run: is it among those that the runs began from? */
static int grow(struct kps_explorer *x, struct kps_activation *act,
		const struct kps_state *exit, bool *again)
{
	struct kps_at at = { .env = x->env, .s = (struct kps_state *)exit,
			     .pc = call_pc(x, act->call) };
	struct kps_state *head, *fit;

	for (head = act->heads.first; head; head = head->next)
		if (kps_state_in(x->env, exit, head))
			return 0;
	/* The one it came from, most likely: what both have is not forgotten. */
	fit = kps_list_nearest(&act->heads, exit);
	if (!fit) {
		kps_refuse(&at, KPS_D_REF_LEAK, KAPSEL_NO_REG);
		return kps_forgive(x->env, -EACCES);
	}
	*again = true;
	return kps_state_join(x->env, fit, exit, KPS_FORGET);
}

static u64 saturating_cost(u64 steps, u64 trips, u64 cost)
{
	u64 all;

	if (__builtin_mul_overflow(trips, cost, &all) ||
	    __builtin_add_overflow(steps, all, &all))
		return U64_MAX;
	return all;
}

/* After the helper: r0 says how often the callback was run, or -E2BIG, or any error. */
static int finish(struct kps_explorer *x, struct kps_activation *act, struct kps_state *s)
{
	struct kps_at at = { .env = x->env, .s = s, .pc = call_pc(x, act->call) };
	u32 n, trips = most_trips(x->env, &kps_top(s)->reg[1], at.pc);
	s64 least = is_drain(x->env, at.pc) ? -4095 : -E2BIG;
	struct kps_frame *f = kps_frame_own(&x->env->pool, s, s->depth - 1, 0);

	if (!f)
		return -ENOMEM;
	f->reg[0] = kps_reg_scalar(kps_scalar_signed(least, trips), at.pc);
	for (n = 1; n <= 5; n++)
		f->reg[n] = kps_reg_uninit();
	s->steps = saturating_cost(s->steps, trips, act->cost);
	return kps_tick(&at, 0) ?: kps_list_add(x->env, &act->exits, s, NULL);
}

static int grow_all(struct kps_explorer *x, struct kps_activation *act, bool *again)
{
	struct kps_state *s;
	int err = 0;

	for (s = act->exits.first; s && !err; s = s->next) {
		act->cost = max(act->cost, s->steps);
		s->steps = 0;
		err = grow(x, act, s, again);
	}
	kps_state_free_list(&x->env->pool, act->exits.first);
	act->exits = (struct kps_list){ .first = NULL };
	return err;
}

int kps_callback_done(struct kps_explorer *x, bool *again)
{
	struct kps_activation *act = x->top;
	int err = grow_all(x, act, again);

	if (err)
		return err;
	if (*again) {
		act->pos = 0;
		return enter_from_all(x, act, call_pc(x, act->call));
	}
	while (act->heads.first && !err) {
		struct kps_state *s = act->heads.first;

		act->heads.first = s->next;
		err = finish(x, act, s);
	}
	act->heads = (struct kps_list){ .first = NULL };
	return err;
}
