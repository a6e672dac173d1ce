/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: exploration: functions, blocks, callbacks */
#ifndef KPS_EXPLORE_H
#define KPS_EXPLORE_H

#include <linux/types.h>

#include "core/list.h"

struct kps_loop_run;

/**
 * struct kps_activation - a function being explored, for one call of it
 * @parent: its caller's
 * @subprog: index
 * @pos: position in its schedule
 * @call: the caller's block that ends with the call; KPS_NONE in the main function
 * @exits: states that returned, the function's frame popped
 * @callback: it is run by a helper, any number of times
 * @heads: callback: states before the helper's call, grown until they hold
 *	every state after any number of runs
 * @cost: callback: most instructions that one run takes
 */
struct kps_activation {
	struct kps_activation *parent;
	u32 subprog;
	u32 pos;
	u32 call;
	struct kps_list exits;
	bool callback;
	struct kps_list heads;
	u64 cost;
};

/**
 * struct kps_explorer - an exploration
 * @env: the verification
 * @pending: for each block: states that wait at its start
 * @loops: for each loop
 * @run: the innermost one whose invariant is being looked for
 * @walk: the innermost loop that is walked path by path
 * @activations: for each subprogram: there is no recursion, so one is enough
 * @top: the one being explored
 */
struct kps_explorer {
	struct kps_env *env;
	struct kps_list *pending;
	struct kps_loop_run *loops;
	struct kps_loop_run *run;
	struct kps_loop_run *walk;
	struct kps_activation *activations;
	struct kps_activation *top;
};

/** kps_push - a state (taken over) goes on at @block of the top activation */
int kps_push(struct kps_explorer *x, u32 block, struct kps_state *s);

/** kps_run_block - run a state (taken over) through the block at the top's position */
int kps_run_block(struct kps_explorer *x, u32 block, struct kps_state *s);

/** kps_enter - explore @subprog, whose entry states are pending */
void kps_enter(struct kps_explorer *x, u32 subprog, u32 call, bool callback);

/** kps_callback_call - a state (taken over) calls the loop helper at the end of @block */
int kps_callback_call(struct kps_explorer *x, u32 block, struct kps_state *s);

/** kps_callback_begin - begin to explore the callback for all states that call it */
int kps_callback_begin(struct kps_explorer *x, u32 block);

/** kps_callback_done - the callback was run from all new states: again, or go on */
int kps_callback_done(struct kps_explorer *x, bool *again);

/** kps_exit_main - a path through the main function ended after @steps */
void kps_exit_main(struct kps_explorer *x, u64 steps);

/** kps_return - a state (taken over), its frame popped, goes back to the caller */
int kps_return(struct kps_explorer *x, struct kps_state *s);

/** kps_explore - run all paths; 0, -EACCES, -E2BIG, -ENOMEM or poll's answer */
int kps_explore(struct kps_env *env);

#endif
