// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - loops: an invariant, a bound, then one pass in which checks count */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/lattice.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/report.h"

#define PLAIN_PASSES	1	/* joined as they are */
#define WIDENED_PASSES	16	/* to thresholds; then whatever changes is forgotten */
#define MAX_PASSES	48
#define MAX_HEADS	32

static u64 most_steps(const struct kps_list *list)
{
	const struct kps_state *s;
	u64 most = 0;

	for (s = list->first; s; s = s->next)
		most = max(most, s->steps);
	return most;
}

/* From here on steps count from the head, and states stand for all trips. */
static void restart_steps(struct kps_list *list)
{
	struct kps_state *s;

	for (s = list->first; s; s = s->next) {
		s->steps = 0;
		s->joined = true;
	}
}

static int enter(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list)
{
	struct kps_env *env = x->env;

	*run = (struct kps_loop_run){
		.parent = x->run, .act = x->top, .loop = run->loop,
		.phase = KPS_LOOP_ASCEND, .places = run->places,
		.moves = run->moves, .moved = run->moved,
	};
	x->run = run;
	env->unjudged++;
	run->entry = *list;
	run->steps = most_steps(list);
	*list = (struct kps_list){ .first = NULL };
	restart_steps(&run->entry);
	return kps_list_copy(env, &run->head, &run->entry);
}

static int begin_pass(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list)
{
	struct kps_env *env = x->env;
	int err;

	kps_list_clear(env, &run->start);
	err = kps_list_copy(env, &run->start, &run->head);
	if (!err && run->phase == KPS_LOOP_JUDGE)
		err = kps_clamp(env, run, &run->start);
	return err ?: kps_anchor(env, &run->start) ?: kps_list_copy(env, list, &run->start);
}

int kps_loop_begin(struct kps_explorer *x, u32 loop, struct kps_list *list)
{
	struct kps_loop_run *run = &x->loops[loop];
	int err = 0;

	run->loop = loop;
	if (run->phase == KPS_LOOP_IDLE) {
		if (!x->env->width || x->env->walk[loop])
			run->phase = KPS_LOOP_WALK;
		else
			err = enter(x, run, list);
	}
	if (err)
		return err;
	if (run->phase != KPS_LOOP_WALK)
		return begin_pass(x, run, list);
	return x->env->width ? kps_walk_begin(x, run, list) : kps_paths_begin(x, run, list);
}

static enum kps_widening widening(const struct kps_loop_run *run)
{
	if (run->pass < PLAIN_PASSES)
		return KPS_JOIN;
	return run->pass < WIDENED_PASSES ? KPS_WIDEN : KPS_FORGET;
}

/* Put a state into a list that is to hold it, by a join unless nothing fits. */
static int hold(struct kps_env *env, struct kps_list *list, const struct kps_state *s,
		enum kps_widening how, bool *changed)
{
	struct kps_state *fit, *copy;

	if (kps_list_around(env, list, s))
		return 0;
	*changed = true;
	fit = kps_list_nearest(list, s);
	if (fit)
		return kps_state_join(env, fit, s, how);
	copy = kps_state_copy(&env->pool, s);
	if (!copy)
		return -ENOMEM;
	copy->steps = 0;
	kps_list_append(list, copy);
	return 0;
}

static int hold_all(struct kps_env *env, struct kps_list *list, const struct kps_list *from,
		    enum kps_widening how, bool *changed)
{
	const struct kps_state *s;
	int err = 0;

	for (s = from->first; s && !err; s = s->next)
		err = hold(env, list, s, how, changed);
	restart_steps(list);
	return err;
}

static bool all_inside(struct kps_env *env, const struct kps_list *list,
		       const struct kps_list *outer)
{
	const struct kps_state *s;

	for (s = list->first; s; s = s->next)
		if (!kps_list_around(env, outer, s))
			return false;
	return true;
}

/* No invariant or no bound was found: the loop is walked, and all begins anew. */
static int give_up(struct kps_explorer *x, struct kps_loop_run *run)
{
	x->env->walk[run->loop] = 1;
	return -EAGAIN;
}

/*
 * The pass to come is judged if all loops around this one are being judged. Only then
 * must there be a bound; elsewhere the pass just finds out what leaves the loop.
 */
static int judge(struct kps_explorer *x, struct kps_loop_run *run, bool *again)
{
	bool bounded = kps_find_trips(run, &run->trips);

	run->metered = !bounded && x->env->unjudged == 1 && x->env->in->metered;
	if (!bounded && x->env->unjudged == 1 && !run->metered)
		return give_up(x, run);
	memcpy(run->moved, run->moves, run->measured * sizeof(*run->moves));
	run->clamped = run->measured;
	run->phase = KPS_LOOP_JUDGE;
	x->env->unjudged--;
	kps_list_clear(x->env, &run->back);
	*again = true;
	return 0;
}

/*
 * What the stable head sends back, with the entry, may be a smaller head. Whether it
 * holds what comes back to it, the judged pass tells.
 */
static int narrow(struct kps_explorer *x, struct kps_loop_run *run)
{
	struct kps_env *env = x->env;
	struct kps_list narrow = { .first = NULL };
	bool changed;
	int err = kps_list_copy(env, &narrow, &run->entry) ?:
		  hold_all(env, &narrow, &run->back, KPS_JOIN, &changed);

	if (err)
		return err;
	if (all_inside(env, &run->head, &narrow) || !all_inside(env, &narrow, &run->head)) {
		kps_list_clear(env, &narrow);
		return 0;
	}
	run->saved = run->head;
	run->head = narrow;
	return 0;
}

static int end_ascent(struct kps_explorer *x, struct kps_loop_run *run, bool *again)
{
	struct kps_env *env = x->env;
	bool changed = false;
	int err;

	if (widening(run) == KPS_WIDEN)
		kps_thresholds_near(env, run);
	err = hold_all(env, &run->head, &run->back, widening(run), &changed);

	if (err)
		return err;
	if (!changed)
		return kps_measure(env, run) ?: narrow(x, run) ?: judge(x, run, again);
	if (++run->pass > MAX_PASSES || run->head.nr > MAX_HEADS)
		return give_up(x, run);
	kps_list_clear(env, &run->back);
	*again = true;
	return 0;
}

/* The clamp relied on these: nothing moved further than it did before. */
static bool moves_held(const struct kps_loop_run *run)
{
	u32 place;

	for (place = 0; place < run->clamped && run->back.nr; place++) {
		const struct kps_move *now = &run->moves[place];
		const struct kps_move *was = &run->moved[place];

		if (was->known && (place >= run->measured || !now->known ||
				   now->lo < was->lo || now->hi > was->hi))
			return false;
	}
	return true;
}

static bool judged_well(struct kps_explorer *x, struct kps_loop_run *run)
{
	u64 trips;

	if (!all_inside(x->env, &run->back, &run->head))
		return false;
	return run->metered ||
	       (moves_held(run) && kps_find_trips(run, &trips) && trips <= run->trips);
}

static u64 cost_before_exit(const struct kps_loop_run *run)
{
	u64 all;

	if (run->metered)
		return run->steps;
	if (check_mul_overflow(run->trips, most_steps(&run->back), &all))
		return U64_MAX;
	return kps_add_steps(run->steps, all);
}

static int release(struct kps_explorer *x, struct kps_exit *exit, u64 before)
{
	struct kps_state *s = exit->s;
	struct kps_at at = { .env = x->env, .s = s, .pc = 0 };
	int err;

	s->steps = kps_add_steps(s->steps, before);
	if (s->path)
		at.pc = kps_path_insn(s->path);
	err = kps_tick(&at, 0);
	if (err) {
		kps_state_free(&x->env->pool, s);
		return err;
	}
	return exit->block == KPS_NONE ? kps_return(x, s) : kps_push(x, exit->block, s);
}

static void note_return(struct kps_explorer *x, u64 steps)
{
	if (x->run && x->run->phase != KPS_LOOP_JUDGE)
		return;
	if (x->run)
		x->run->returned = max(x->run->returned, steps);
	else
		x->env->proof->max_insns = max(x->env->proof->max_insns, steps);
}

/* The loop is done: what left it goes on, after as many trips as there can be. */
static int leave(struct kps_explorer *x, struct kps_loop_run *run)
{
	struct kps_env *env = x->env;
	u64 before = cost_before_exit(run);
	struct kps_exit *exit;
	int err = 0;

	x->run = run->parent;
	run->phase = KPS_LOOP_IDLE;
	kps_list_clear(env, &run->entry);
	kps_list_clear(env, &run->head);
	kps_list_clear(env, &run->start);
	kps_list_clear(env, &run->back);
	if (run->saved.first)
		kps_list_clear(env, &run->saved);
	if (run->returned)
		note_return(x, kps_add_steps(run->returned, before));
	for (exit = run->exits; exit && !err; exit = exit->next)
		err = release(x, exit, before);
	run->exits = NULL;
	return err;
}

/* Only the ceiling will end it: that is worth a warning. */
static void note_metered(struct kps_env *env, const struct kps_loop_run *run)
{
	const struct kps_at at = {
		.env = env, .s = run->head.first,
		.pc = env->cfg.blocks[env->cfg.loops[run->loop].head].start,
	};

	env->proof->metered = true;
	kps_warn(&at, KPS_D_UNBOUNDED, KAPSEL_NO_REG);
}

static void drop_exits(struct kps_env *env, struct kps_loop_run *run)
{
	struct kps_exit *exit;

	for (exit = run->exits; exit; exit = exit->next)
		kps_state_free(&env->pool, exit->s);
	run->exits = NULL;
}

/*
 * The narrow head was too narrow: the pass was in vain. What it did mark, the pass from
 * the head that is known to be stable, and larger, will mark anyway.
 */
static int judge_again(struct kps_explorer *x, struct kps_loop_run *run, bool *again)
{
	drop_exits(x->env, run);
	kps_list_clear(x->env, &run->head);
	run->head = run->saved;
	run->saved = (struct kps_list){ .first = NULL };
	memcpy(run->moves, run->moved, run->clamped * sizeof(*run->moves));
	run->measured = run->clamped;
	x->env->unjudged++;
	return judge(x, run, again);
}

/* Inside of a loop whose invariant is being looked for nothing else rests on it yet. */
static int end_judging(struct kps_explorer *x, struct kps_loop_run *run, bool *again)
{
	if (run->saved.first && !all_inside(x->env, &run->back, &run->head))
		return judge_again(x, run, again);
	if (x->env->unjudged)
		return leave(x, run);
	if (kps_measure(x->env, run))
		return -ENOMEM;
	if (!judged_well(x, run))
		return give_up(x, run);
	if (run->metered)
		note_metered(x->env, run);
	return leave(x, run);
}

/* A loop that was entered past its head begins when something comes back. */
static int end_walked(struct kps_explorer *x, struct kps_loop_run *run, u32 loop, bool *again)
{
	if (run->phase == KPS_LOOP_WALK && !x->env->width)
		return kps_paths_next(x, run, again);
	*again = run->back.nr;
	if (*again) {
		run->loop = loop;
		run->phase = KPS_LOOP_WALK;
	} else if (run->phase == KPS_LOOP_WALK) {
		kps_walk_end(x->env, run);
	}
	return 0;
}

int kps_loop_end(struct kps_explorer *x, u32 loop, bool *again)
{
	struct kps_loop_run *run = &x->loops[loop];

	switch (run->phase) {
	case KPS_LOOP_ASCEND:
		return end_ascent(x, run, again);
	case KPS_LOOP_JUDGE:
		return end_judging(x, run, again);
	default:
		return end_walked(x, run, loop, again);
	}
}

static int add_exit(struct kps_explorer *x, struct kps_loop_run *run, u32 block,
		    struct kps_state *s)
{
	struct kps_exit *exit = kps_arena_alloc(&x->env->work, sizeof(*exit));

	if (!exit) {
		kps_state_free(&x->env->pool, s);
		return -ENOMEM;
	}
	*exit = (struct kps_exit){ .next = run->exits, .s = s, .block = block };
	run->exits = exit;
	return 0;
}

bool kps_loop_leaves(struct kps_explorer *x, u32 block, struct kps_state *s, int *err)
{
	struct kps_loop_run *run = x->run;
	const struct kps_loop *loop;
	u32 order;

	if (!run || run->act != x->top)
		return false;
	loop = &x->env->cfg.loops[run->loop];
	if (block != KPS_NONE) {
		order = x->env->cfg.blocks[block].order;
		if (order >= loop->first && order < loop->last)
			return false;
	}
	*err = 0;
	if (run->phase == KPS_LOOP_JUDGE)
		*err = add_exit(x, run, block, s);
	else
		kps_state_free(&x->env->pool, s);
	return true;
}

void kps_exit_main(struct kps_explorer *x, u64 steps)
{
	note_return(x, steps);
}
