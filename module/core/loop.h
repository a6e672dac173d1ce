/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: loops: invariants, bounds, walking */
#ifndef KPS_LOOP_H
#define KPS_LOOP_H

#include <linux/limits.h>
#include <linux/types.h>

#include "core/explore.h"

/** enum kps_phase - how far a loop is */
enum kps_phase {
	KPS_LOOP_IDLE,
	KPS_LOOP_ASCEND,	/* the head grows until it holds what comes back */
	KPS_LOOP_JUDGE,		/* checks count, exits are taken */
	KPS_LOOP_WALK,		/* iteration by iteration */
};

/* Places that hold values: r0 to r9 of each frame, then the frame's slots. */

/**
 * struct kps_move - how a place moves from one trip of a loop to the next
 * @known: on every way back to the head
 * @lo: least difference
 * @hi: greatest difference
 */
struct kps_move {
	bool known;
	s64 lo;
	s64 hi;
};

/** struct kps_exit - a state that leaves a loop, to go on at @block (KPS_NONE: return) */
struct kps_exit {
	struct kps_exit *next;
	struct kps_state *s;
	u32 block;
};

/**
 * struct kps_loop_run - a loop being explored
 * @parent: the loop around it, of any function on the call chain
 * @act: the activation it belongs to
 * @loop: index
 * @phase: enum kps_phase
 * @pass: passes in this phase
 * @entry: states that came from outside
 * @head: the invariant: states that hold all that are ever at the head
 * @saved: the invariant before it was narrowed, if it was
 * @start: the states that this pass began with
 * @back: states that came back to the head
 * @exits: of the judged pass
 * @places: that there is room for in @moves and @moved
 * @moves: for each of the first @measured places: of this pass, if it was measured
 * @moved: the same of the pass that the clamp relies on, @clamped places
 * @measured: no value of the states that the pass began with is beyond
 * @clamped: likewise
 * @metered: nothing bounds it; the engine ends it
 * @trips: most times that a run comes back to the head
 * @steps: of entry: most instructions before
 * @returned: most instructions of this pass to an exit of the main function
 * @iteration: walking: how often the head was begun
 * @paths: walking path by path
 */
struct kps_loop_run {
	struct kps_loop_run *parent;
	struct kps_activation *act;
	u32 loop;
	u32 phase;
	u32 pass;
	struct kps_list entry;
	struct kps_list head;
	struct kps_list saved;
	struct kps_list start;
	struct kps_list back;
	struct kps_exit *exits;
	u32 places;
	struct kps_move *moves;
	struct kps_move *moved;
	u32 measured;
	u32 clamped;
	bool metered;
	u64 trips;
	u64 steps;
	u64 returned;
	u64 iteration;
	struct kps_paths *paths;
};

struct kps_paths;

/*
 * Loops (loop.c, walk.c, paths.c, measure.c)
 */

/** kps_add_steps - numbers of instructions, of which U64_MAX is the largest */
static inline u64 kps_add_steps(u64 a, u64 b)
{
	return a > U64_MAX - b ? U64_MAX : a + b;
}

/** kps_loop_begin - states are at the head of @loop: prepare the pass; @list: in and out */
int kps_loop_begin(struct kps_explorer *x, u32 loop, struct kps_list *list);

/** kps_loop_end - the body was run: @again from the head, or the loop is done */
int kps_loop_end(struct kps_explorer *x, u32 loop, bool *again);

/** kps_loop_leaves - the state (taken over if true) leaves the loop being explored */
bool kps_loop_leaves(struct kps_explorer *x, u32 block, struct kps_state *s, int *err);

/** kps_walk_begin - the same for a loop that is walked */
int kps_walk_begin(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list);

/** kps_walk_descends - @s came by way of @from: who enters past the head did not */
bool kps_walk_descends(const struct kps_state *s, const struct kps_state *from);

/** kps_walk_end - forget what walking remembered */
void kps_walk_end(struct kps_env *env, struct kps_loop_run *run);

/** kps_paths_begin - the same for a loop that is walked path by path */
int kps_paths_begin(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list);

/** kps_paths_next - an iteration is over: @again from the head, or the loop is done */
int kps_paths_next(struct kps_explorer *x, struct kps_loop_run *run, bool *again);

/** kps_paths_leave - a state goes on at @block after @steps, of loops that it leaves so */
void kps_paths_leave(struct kps_explorer *x, u32 block, u64 steps);

/** kps_anchor - give every value at the head an id, to measure from */
int kps_anchor(struct kps_env *env, struct kps_list *heads);

/** kps_measure - how each place of @back moved from where it was in @start: 0 or -ENOMEM */
int kps_measure(struct kps_env *env, struct kps_loop_run *run);

/** kps_find_trips - how often a run comes back at most, from @moves; false: no bound */
bool kps_find_trips(const struct kps_loop_run *run, u64 *trips);

/** kps_clamp - no place is further from the entry than the trips can move it */
int kps_clamp(struct kps_env *env, struct kps_loop_run *run, struct kps_list *heads);

#endif
