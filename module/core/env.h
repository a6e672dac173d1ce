/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: what the verifier's files share during one verification */
#ifndef KPS_ENV_H
#define KPS_ENV_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/cfg.h"
#include "core/diag.h"
#include "core/state.h"
#include "core/verifier.h"

#define KPS_MAX_WARNINGS	64
#define KPS_POINTER_LIMIT	(1LL << 33)	/* a pointer's distance from its object */
#define KPS_MAX_SPAN		(1LL << 29)	/* bytes of a helper's memory argument */

#define KPS_MAX_PAIRS		64

/**
 * struct kps_pair - ids of two states that play the same part
 * @a: id in the one state, 0: the constant 0
 * @b: id in the other
 * @shift: difference of the values' deltas, @a's minus @b's
 * @id: the id of the pair in a joined state
 */
struct kps_pair {
	u32 a;
	u32 b;
	s64 shift;
	u32 id;
};

/** struct kps_pairs - scratch memory of one comparison or join */
struct kps_pairs {
	u32 nr;
	struct kps_pair pair[KPS_MAX_PAIRS];
};

/**
 * struct kps_node - a decision on the way to a state
 * @parent: the one before
 * @facts: of the register concerned, kept only while a refusal is retraced
 * @insn: where
 * @outcome: as in struct kapsel_rec_step
 * @event: KAPSEL_STEP_*
 */
struct kps_node {
	const struct kps_node *parent;
	const struct kapsel_facts *facts;
	u32 insn;
	u32 outcome;
	u32 event;
};

/** struct kps_thresholds - sorted constants, unsigned and signed */
struct kps_thresholds {
	u64 *u;
	s64 *s;
	u32 nr;
};

/** enum kps_widening - what a join makes of values that differ */
enum kps_widening {
	KPS_JOIN,		/* the smallest set around both */
	KPS_WIDEN,		/* one that ends at constants of the program */
	KPS_FORGET,		/* anything */
};

/**
 * struct kps_env - one verification
 * @in: the program
 * @type: its type's row
 * @host: callbacks
 * @arena: what lasts through the verification
 * @work: what lasts through one rung of the ladder
 * @pool: states; on @work
 * @cfg: control flow; on @arena
 * @live: for each block: registers that may be read before they are written
 * @proof: what is found out
 * @maps: facts of the program's maps
 * @nr_maps: how many
 * @visits: for each block: how often a state ran through it
 * @visited: instructions, all visits
 * @polled: @visited when the host was last asked
 * @limit_visited: the budget
 * @ceiling: most instructions a run may take
 * @width: most states kept apart at a join; 0: no joins
 * @trace: keep facts in nodes
 * @problem: the refusal
 * @problem_path: how the refused state came there
 * @problem_joined: that state stood for several paths
 * @warnings: of this pass
 * @nr_warnings: how many
 * @unjudged: loops being explored whose checks do not count yet
 * @walk: for each loop: nothing bounds it, so it is walked
 * @thresholds: constants of the program, where widening stops; see widen.c
 * @links: scratch of lattice.c
 * @nids: scratch of lattice.c
 */
struct kps_env {
	const struct kps_prog_in *in;
	const struct kps_prog_type *type;
	const struct kps_host *host;
	struct kps_arena arena;
	struct kps_arena work;
	struct kps_pool pool;
	struct kps_cfg cfg;
	u16 *live;
	struct kps_proof *proof;
	struct kps_map_facts maps[KAPSEL_MAX_MAPS];
	u32 nr_maps;
	u32 *visits;
	u64 visited;
	u64 polled;
	u64 limit_visited;
	u64 ceiling;
	u32 width;
	bool trace;
	struct kapsel_rec_problem problem;
	const struct kps_node *problem_path;
	bool problem_joined;
	struct kapsel_rec_problem warnings[KPS_MAX_WARNINGS];
	u32 nr_warnings;
	u32 unjudged;
	u8 *walk;
	struct kps_thresholds thresholds;
	struct kps_pairs links;
	struct kps_pairs nids;
};

/**
 * struct kps_at - where the verifier is
 * @env: the verification
 * @s: the state, its top frame its own
 * @pc: the instruction
 */
struct kps_at {
	struct kps_env *env;
	struct kps_state *s;
	u32 pc;
};

static inline struct kps_reg *kps_reg_at(const struct kps_at *at, u32 n)
{
	return &kps_top(at->s)->reg[n];
}

static inline const struct bpf_insn *kps_insn_at(const struct kps_at *at)
{
	return &at->env->in->insns[at->pc];
}

static inline struct kps_insn_aux *kps_aux_at(const struct kps_at *at)
{
	return &at->env->proof->aux[at->pc];
}

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

/*
 * Stack (stack.c). Offsets are from the frame pointer: -512 to -1.
 */

/**
 * kps_stack_load - read @size bytes at @off of frame @n
 *
 * Return: 0, with the value in @out; -EACCES refused (invalid or split pointer).
 */
int kps_stack_load(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		   struct kps_reg *out);

/** kps_stack_load_any - read @size bytes somewhere in [@lo, @hi] */
int kps_stack_load_any(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 size,
		       u32 reg, struct kps_reg *out);

/** kps_stack_store - write @val, @size bytes at @off. 0, -EACCES or -ENOMEM */
int kps_stack_store(const struct kps_at *at, u32 n, s64 off, u32 size, u32 reg,
		    const struct kps_reg *val);

/** kps_stack_clobber - bytes [@lo, @hi) may be overwritten with numbers, [@lo, @sure) are */
int kps_stack_clobber(const struct kps_at *at, u32 n, s64 lo, s64 sure, s64 hi, u32 reg);

/** kps_stack_readable - every byte of [@lo, @hi) is a number that was written */
int kps_stack_readable(const struct kps_at *at, u32 n, s64 lo, s64 hi, u32 reg);

/*
 * Memory (check_mem.c)
 */

/**
 * struct kps_access - an access to be proved
 * @reg: number of the pointer's register
 * @off: constant added to it
 * @size: bytes, at least; of a helper's argument the largest
 * @min_size: the smallest size, for helpers' arguments; @size for instructions
 * @access: KAPSEL_ACCESS_*
 * @helper: id if it is an argument
 * @arg: number of the argument
 */
struct kps_access {
	u32 reg;
	s64 off;
	u64 size;
	u64 min_size;
	u8 access;
	u32 helper;
	u16 arg;
};

/** kps_check_pointer - a register is a usable pointer to memory: 0 or -EACCES */
int kps_check_pointer(const struct kps_at *at, const struct kps_access *a);

/** kps_check_bounds - the access lies inside its object (not for stack contents) */
int kps_check_bounds(const struct kps_at *at, const struct kps_access *a);

/** kps_check_span - a helper's memory argument, stack contents included */
int kps_check_span(const struct kps_at *at, const struct kps_access *a);

int kps_step_load(const struct kps_at *at);
int kps_step_store(const struct kps_at *at);
int kps_step_atomic(const struct kps_at *at);

/** kps_check_leak - a value may be made visible outside the stack: 0 or -EACCES */
int kps_check_leak(const struct kps_at *at, u32 n);

/* Arithmetic (check_alu.c): 0, -EACCES, -ENOMEM. */
int kps_step_alu(const struct kps_at *at);
int kps_step_lddw(const struct kps_at *at);

/** kps_check_init - register @n was written: 0 or -EACCES */
int kps_check_init(const struct kps_at *at, u32 n);

/* Calls (check_call.c): helpers but the one that runs a callback. */
int kps_step_helper(const struct kps_at *at);

/** kps_check_helper - the helper exists, is allowed, its arguments fit; out: its row */
int kps_check_helper(const struct kps_at *at, const struct kps_helper **helper);

/** kps_helper_result - registers after a helper call */
int kps_helper_result(const struct kps_at *at, const struct kps_helper *helper);

/** kps_step_exit_main - what the main function's exit must satisfy */
int kps_step_exit_main(const struct kps_at *at);

/*
 * Branches (check_jmp.c)
 */

/**
 * kps_branch - the effect of a conditional jump
 * @at: the jump; its state becomes the one that falls through
 * @taken: out: the state that jumps, or NULL if none does
 * @falls: out: whether the jump may fall through; else at->s is to be freed
 *
 * Return: 0, -EACCES or -ENOMEM.
 */
int kps_branch(const struct kps_at *at, struct kps_state **taken, bool *falls);

/*
 * Lattice (lattice.c)
 */

/** kps_state_in - everything that @a can be, @b can be too */
bool kps_state_in(struct kps_env *env, const struct kps_state *a,
		  const struct kps_state *b);

/** kps_state_joinable - the states may be joined: same calls, same references */
bool kps_state_joinable(const struct kps_state *a, const struct kps_state *b);

/** kps_state_distance - how much a join would forget; smaller is nearer */
u32 kps_state_distance(const struct kps_state *a, const struct kps_state *b);

/**
 * kps_state_join - make @a a state that holds all that @a and @b hold
 * @widen: repeated joins end with KPS_WIDEN soon, with KPS_FORGET at once
 *
 * Return: 0 or -ENOMEM.
 */
int kps_state_join(struct kps_env *env, struct kps_state *a,
		   const struct kps_state *b, enum kps_widening widen);

/** kps_thresholds_build - collect the program's constants: 0 or -ENOMEM */
int kps_thresholds_build(struct kps_env *env);

/** kps_widen_scalar - make @a hold @b too, its bounds moved to thresholds */
void kps_widen_scalar(const struct kps_thresholds *t, struct kps_scalar *a,
		      const struct kps_scalar *b);

/** kps_live_build - liveness of registers at block starts: 0 or -ENOMEM */
int kps_live_build(struct kps_env *env);

/** kps_drop_dead - forget registers that nothing reads any more */
void kps_drop_dead(const struct kps_env *env, struct kps_state *s, u32 block);

/*
 * Exploration (explore.c, block.c, callback.c)
 */

/** struct kps_list - states that wait at a place */
struct kps_list {
	struct kps_state *first;
	u32 nr;
};

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

/** enum kps_phase - how far a loop is */
enum kps_phase {
	KPS_LOOP_IDLE,
	KPS_LOOP_ASCEND,	/* the head grows until it holds what comes back */
	KPS_LOOP_NARROW,	/* is what came back around the entry enough? */
	KPS_LOOP_JUDGE,		/* checks count, exits are taken */
	KPS_LOOP_WALK,		/* iteration by iteration */
};

/* Places that hold values: r0 to r9 of each frame, then the frame's slots. */
#define KPS_PLACES_A_FRAME	(KPS_FP + KPS_NR_SLOTS)

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
 * @saved: the invariant before narrowing
 * @start: the states that this pass began with
 * @back: states that came back to the head
 * @exits: of the judged pass
 * @places: places of the frames at the head
 * @moves: for each place: of this pass
 * @moved: the same of the pass that the clamp relies on
 * @trips: most times that a run comes back to the head
 * @steps: of entry: most instructions before
 * @returned: most instructions of this pass to an exit of the main function
 * @iteration: walking: how often the head was begun
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
	u64 trips;
	u64 steps;
	u64 returned;
	u64 iteration;
};

/**
 * struct kps_explorer - an exploration
 * @env: the verification
 * @pending: for each block: states that wait at its start
 * @loops: for each loop
 * @run: the innermost one whose invariant is being looked for
 * @activations: for each subprogram: there is no recursion, so one is enough
 * @top: the one being explored
 */
struct kps_explorer {
	struct kps_env *env;
	struct kps_list *pending;
	struct kps_loop_run *loops;
	struct kps_loop_run *run;
	struct kps_activation *activations;
	struct kps_activation *top;
};

/** kps_list_add - put a state (taken over) among others, dropped or joined if it may be */
int kps_list_add(struct kps_env *env, struct kps_list *list, struct kps_state *s);

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

/** kps_forgive - a refusal in a pass that is not judged is none */
static inline int kps_forgive(const struct kps_env *env, int err)
{
	return err == -EACCES && env->unjudged ? 0 : err;
}

/** kps_list_copy - copies of all states of a list */
int kps_list_copy(struct kps_env *env, struct kps_list *to, const struct kps_list *from);

/** kps_list_clear - free a list's states */
void kps_list_clear(struct kps_env *env, struct kps_list *list);

/** kps_list_around - a state of the list that holds @s, or NULL */
struct kps_state *kps_list_around(struct kps_env *env, const struct kps_list *list,
				  const struct kps_state *s);

/** kps_list_nearest - the state of the list that a join with @s costs least, or NULL */
struct kps_state *kps_list_nearest(const struct kps_list *list, const struct kps_state *s);

/** kps_list_append - put a state (taken over) at a list's end */
void kps_list_append(struct kps_list *list, struct kps_state *s);

/*
 * Loops (loop.c, walk.c, measure.c)
 */

/** kps_loop_begin - states are at the head of @loop: prepare the pass; @list: in and out */
int kps_loop_begin(struct kps_explorer *x, u32 loop, struct kps_list *list);

/** kps_loop_end - the body was run: @again from the head, or the loop is done */
int kps_loop_end(struct kps_explorer *x, u32 loop, bool *again);

/** kps_loop_leaves - the state (taken over if true) leaves the loop being explored */
bool kps_loop_leaves(struct kps_explorer *x, u32 block, struct kps_state *s, int *err);

/** kps_walk_begin - the same for a loop that is walked */
int kps_walk_begin(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list);

/** kps_walk_end - forget what walking remembered */
void kps_walk_end(struct kps_env *env, struct kps_loop_run *run);

/** kps_exit_main - a path through the main function ended after @steps */
void kps_exit_main(struct kps_explorer *x, u64 steps);

/** kps_return - a state (taken over), its frame popped, goes back to the caller */
int kps_return(struct kps_explorer *x, struct kps_state *s);

/** kps_anchor - give every value at the head an id, to measure from */
int kps_anchor(struct kps_env *env, struct kps_list *heads);

/** kps_measure - how each place of @back moved from where it was in @start */
void kps_measure(struct kps_env *env, struct kps_loop_run *run);

/** kps_find_trips - how often a run comes back at most, from @moves; false: no bound */
bool kps_find_trips(const struct kps_loop_run *run, u64 *trips);

/** kps_clamp - no place is further from the entry than the trips can move it */
int kps_clamp(struct kps_env *env, struct kps_loop_run *run, struct kps_list *heads);

/** kps_tick - count @n instructions; 0, -E2BIG or poll's answer */
int kps_tick(const struct kps_at *at, u32 n);

/** kps_explore - run all paths; 0, -EACCES, -E2BIG, -ENOMEM or poll's answer */
int kps_explore(struct kps_env *env);

#endif
