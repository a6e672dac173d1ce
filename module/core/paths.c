// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel core - loops that are walked path by path
 *
 * Where states are not joined, those that come to a loop's head in different numbers
 * of iterations are often the same. So one goes first, all the way: who comes later
 * and is inside one whose ways to the end are all known need go no further. Those
 * ways end, and what the longest takes is known.
 */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/lattice.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/oracle.h"
#include "core/report.h"

#define MAX_OPEN	1024	/* states kept of the way here */
#define MAX_DONE	64	/* states kept whose ways to the end are known */
#define MAX_MARKS	32

/**
 * struct visit - a state at the head, from which the way here goes on
 * @parent: the one an iteration before
 * @child: the one an iteration later
 * @state: as it was; NULL: forgotten
 * @todo: states that came back to the head, and wait
 * @steps: most instructions before
 * @far: most instructions to where the loop is left, on the ways that were walked
 * @depth: iterations
 */
struct visit {
	struct visit *parent;
	struct visit *child;
	struct kps_state *state;
	struct kps_list todo;
	u64 steps;
	u64 far;
	u64 depth;
};

/** struct done - a state, and how many instructions at most lie between it and the end */
struct done {
	struct kps_state *state;
	u64 rest;
};

/**
 * struct kps_paths - a loop being walked so
 * @around: the loop around it that is, of any function on the call chain
 * @first: what entered waits in its todo; no visit itself
 * @at: the last one on the way here
 * @eldest: the first one on the way here that has its state
 * @nr_open: of those that have
 * @spare: visits to be used again
 * @done: a ring
 * @nr_done: how many there have been
 * @mark: states on the way here, at depths 1, 2, 4, 8...: each cycle comes to one of
 *	them again after at most three times its length
 * @pruned: there were some that went no further
 */
struct kps_paths {
	struct kps_loop_run *around;
	struct visit first;
	struct visit *at;
	struct visit *eldest;
	u32 nr_open;
	struct visit *spare;
	struct done done[MAX_DONE];
	u32 nr_done;
	struct kps_state *mark[MAX_MARKS];
	bool pruned;
};

static void drop_state(struct kps_env *env, struct kps_state **s)
{
	if (*s)
		kps_state_free(&env->pool, *s);
	*s = NULL;
}

/* ------------------------------------------------------------------------
 * Visits
 */
static struct visit *new_visit(struct kps_env *env, struct kps_paths *paths)
{
	struct visit *visit = paths->spare;

	if (!visit)
		return kps_arena_alloc(&env->work, sizeof(*visit));
	paths->spare = visit->parent;
	return visit;
}

/* Of a long way the beginning is forgotten: the end is where others may meet. */
static void keep_open(struct kps_env *env, struct kps_paths *paths, struct visit *visit)
{
	if (!paths->nr_open)
		paths->eldest = visit;
	if (paths->nr_open++ < MAX_OPEN)
		return;
	drop_state(env, &paths->eldest->state);
	paths->eldest = paths->eldest->child;
	paths->nr_open--;
}

/* Whose state was marked last, of those not deeper than @depth. */
static u32 mark_of(u64 depth)
{
	return min_t(u32, fls64(depth) - 1, MAX_MARKS - 1);
}

static int set_mark(struct kps_env *env, struct kps_paths *paths, const struct visit *visit)
{
	struct kps_state **mark = &paths->mark[mark_of(visit->depth)];

	if (visit->depth & (visit->depth - 1))
		return 0;
	drop_state(env, mark);
	*mark = kps_state_copy(&env->pool, visit->state);
	return *mark ? 0 : -ENOMEM;
}

static int open_visit(struct kps_env *env, struct kps_paths *paths, const struct kps_state *s)
{
	struct visit *visit = new_visit(env, paths);

	if (!visit)
		return -ENOMEM;
	*visit = (struct visit){
		.parent = paths->at, .steps = s->steps, .far = s->steps,
		.depth = paths->at->depth + 1,
		.state = kps_state_copy(&env->pool, s),
	};
	if (!visit->state)
		return -ENOMEM;
	paths->at->child = visit;
	paths->at = visit;
	keep_open(env, paths, visit);
	return set_mark(env, paths, visit);
}

/* All its ways are known: how far they lead, and that others need not go there. */
static void close_visit(struct kps_env *env, struct kps_paths *paths)
{
	struct visit *visit = paths->at;
	struct done *done;

	paths->at = visit->parent;
	paths->at->far = max(paths->at->far, visit->far);
	if (visit->state) {
		done = &paths->done[paths->nr_done++ % MAX_DONE];
		drop_state(env, &done->state);
		done->state = visit->state;
		done->rest = visit->far - visit->steps;
		paths->nr_open--;
	}
	visit->parent = paths->spare;
	paths->spare = visit;
}

/* ------------------------------------------------------------------------
 * What comes to the head
 */
/* The newest first, as they are the nearest. */
static const struct done *find_done(struct kps_env *env, const struct kps_paths *paths,
				    const struct kps_state *s)
{
	u32 n = min_t(u32, paths->nr_done, MAX_DONE), i;

	for (i = 1; i <= n && !kps_oracle_plain(); i++) {
		const struct done *done = &paths->done[(paths->nr_done - i) % MAX_DONE];

		if (kps_state_in(env, s, done->state))
			return done;
	}
	return NULL;
}

/* The very state that this way had here before: it will come here for ever. */
static bool came_back(struct kps_env *env, const struct kps_paths *paths,
		      const struct kps_state *s)
{
	u64 depth = paths->at->depth;
	const struct kps_state *mark;

	if (!depth)
		return false;
	mark = paths->mark[mark_of(depth)];
	return kps_state_in(env, s, mark) && kps_state_in(env, mark, s) &&
	       kps_walk_descends(s, mark);
}

/* In a pass that is not judged such a way just goes no further. */
static int refuse_endless(struct kps_env *env, const struct kps_at *at, u64 depth)
{
	kps_refuse(at, KPS_D_ENDLESS, KAPSEL_NO_REG)->detail = depth;
	return kps_forgive(env, -EACCES);
}

/* @goes_on: it is on the way now; else it is the caller's to free. */
static int try_state(struct kps_env *env, struct kps_paths *paths, const struct kps_at *at,
		     bool *goes_on)
{
	const struct done *done;

	*goes_on = false;
	if (came_back(env, paths, at->s))
		return refuse_endless(env, at, paths->at->depth);
	done = find_done(env, paths, at->s);
	if (done) {
		paths->at->far = max(paths->at->far,
				     kps_add_steps(at->s->steps, done->rest));
		paths->pruned = true;
		return 0;
	}
	*goes_on = true;
	return kps_path_add(at, KAPSEL_STEP_JOIN, (u32)paths->at->depth, KAPSEL_NO_REG) ?:
	       open_visit(env, paths, at->s);
}

static struct kps_state *take_first(struct kps_list *list)
{
	struct kps_state *s = list->first;

	list->first = s->next;
	list->nr--;
	s->next = NULL;
	return s;
}

/* The next state to go on with into @list; none, if all ways are known. */
static int next_state(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list)
{
	u32 head = x->env->cfg.loops[run->loop].head;
	struct kps_at at = { .env = x->env, .pc = x->env->cfg.blocks[head].start };
	struct kps_paths *paths = run->paths;
	bool goes_on = false;
	int err = 0;

	while (!err && !goes_on) {
		if (!paths->at->todo.nr) {
			if (paths->at == &paths->first)
				return 0;
			close_visit(x->env, paths);
			continue;
		}
		at.s = take_first(&paths->at->todo);
		err = try_state(x->env, paths, &at, &goes_on);
		if (err || !goes_on)
			kps_state_free(&x->env->pool, at.s);
		else
			kps_list_append(list, at.s);
	}
	return err;
}

/* ------------------------------------------------------------------------
 * Begin and end
 */
int kps_paths_begin(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list)
{
	struct kps_paths *paths;

	if (x->walk == run)
		return 0;
	paths = run->paths ?: kps_arena_zalloc(&x->env->work, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	paths->around = x->walk;
	paths->at = &paths->first;
	paths->first = (struct visit){ .todo = *list };
	*list = (struct kps_list){ .first = NULL };
	run->paths = paths;
	run->act = x->top;
	x->walk = run;
	return next_state(x, run, list);
}

static void raise(struct kps_list *list, u64 steps)
{
	struct kps_state *s;

	for (s = list->first; s; s = s->next)
		s->steps = max(s->steps, steps);
}

/*
 * Ways that were not walked to their end are as long as the longest, at most: whoever
 * left the loop may have come by one of them.
 */
static void raise_exits(struct kps_explorer *x, const struct kps_loop_run *run, u64 steps)
{
	const struct kps_cfg *cfg = &x->env->cfg;
	const struct kps_subprog *sub = &cfg->subprogs[x->top->subprog];
	u32 pos, loop;

	for (pos = cfg->loops[run->loop].last; pos < sub->sched_len; pos++)
		raise(&x->pending[cfg->schedule[sub->sched + pos]], steps);
	for (loop = cfg->loops[run->loop].parent; loop != KPS_NONE; loop = cfg->loops[loop].parent)
		raise(&x->loops[loop].back, steps);
}

static void end(struct kps_explorer *x, struct kps_loop_run *run)
{
	struct kps_paths *paths = run->paths;
	u32 i;

	x->walk = paths->around;
	if (paths->pruned) {
		raise_exits(x, run, paths->first.far);
		if (x->walk)
			x->walk->paths->at->far = max(x->walk->paths->at->far, paths->first.far);
	}
	for (i = 0; i < MAX_DONE; i++)
		drop_state(x->env, &paths->done[i].state);
	for (i = 0; i < MAX_MARKS; i++)
		drop_state(x->env, &paths->mark[i]);
	paths->nr_done = 0;
	paths->pruned = false;
	run->phase = KPS_LOOP_IDLE;
}

int kps_paths_next(struct kps_explorer *x, struct kps_loop_run *run, bool *again)
{
	int err;

	run->paths->at->todo = run->back;
	run->back = (struct kps_list){ .first = NULL };
	err = next_state(x, run, &run->back);
	*again = run->back.nr;
	if (!err && !*again)
		end(x, run);
	return err;
}

void kps_paths_leave(struct kps_explorer *x, u32 block, u64 steps)
{
	u32 order = x->env->cfg.blocks[block].order;
	struct kps_loop_run *run;

	for (run = x->walk; run && run->act == x->top; run = run->paths->around) {
		const struct kps_loop *loop = &x->env->cfg.loops[run->loop];

		if (order >= loop->first && order < loop->last)
			break;
		run->paths->at->far = max(run->paths->at->far, steps);
	}
}
