// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - loops and the schedule: a weak topological order in linear time */

#include <linux/kernel.h>
#include <linux/types.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/cfg_build.h"

/*
 * Bourdoncle's own algorithm takes quadratic time on nested loops. This one
 * works from the innermost loop outwards, joining a loop to its head by
 * union-find, so each edge is looked at a fixed number of times.
 *
 * A walk in depth numbers the blocks and sorts the edges. An edge to a block
 * that is still open is a back edge and makes its target a head. An edge to a
 * block that is closed (it crosses over, or skips forward) is set aside at the
 * lowest common ancestor of its ends, and comes back when that is a candidate
 * head. Until then both ends are in different subtrees, so a search backwards
 * from the back edges of a head never leaves the head's own subtree, even when
 * a loop has several entries; and the loops found inside lie in the order in
 * which the walk left them, last first, because the edges between them do.
 */
struct order {
	struct kps_cfg_build *build;
	struct kps_cfg *cfg;
	u32 *number;	/* rank -> block, in the order of entry */
	u32 *closed;	/* rank -> block, in the order of exit */
	u8 *state;	/* of the walk */
	u32 *tree;	/* the block from which the walk came */
	u32 *open;	/* union-find: the nearest ancestor that is open */
	u32 *rep;	/* union-find: the outermost loop's head so far */
	u32 *head;	/* of the innermost loop in whose body the block is */
	u32 *work;
	/* Lists of edges, each edge (2 * block + which successor) in one. */
	u32 *preds;
	u32 *backs;
	u32 *late;
	u32 *next;
	/* The loop forest, as lists of blocks. */
	u32 *child;
	u32 *sibling;
	u32 reached;
	u32 left;
};

enum { NEW, OPEN, CLOSED };

static u32 *new_array(struct order *order, u32 n)
{
	u32 *array = kps_arena_array(order->build->scratch, n, sizeof(u32));
	u32 i;

	for (i = 0; array && i < n; i++)
		array[i] = KPS_NONE;
	return array;
}

static int allocate(struct order *order)
{
	u32 n = order->cfg->nr_blocks, i;
	u32 ** const arrays[] = {
		&order->number, &order->closed, &order->tree, &order->open,
		&order->rep, &order->head, &order->work, &order->preds,
		&order->backs, &order->late, &order->child, &order->sibling,
	};

	for (i = 0; i < ARRAY_SIZE(arrays); i++) {
		*arrays[i] = new_array(order, n);
		if (!*arrays[i])
			return -ENOMEM;
	}
	order->next = new_array(order, 2 * n);
	order->state = kps_arena_zalloc(order->build->scratch, n);
	if (!order->next || !order->state)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		order->open[i] = i;
		order->rep[i] = i;
	}
	return 0;
}

static u32 find(u32 *set, u32 x)
{
	while (set[x] != x) {
		set[x] = set[set[x]];
		x = set[x];
	}
	return x;
}

static void add_edge(struct order *order, u32 *list, u32 at, u32 edge)
{
	order->next[edge] = list[at];
	list[at] = edge;
}

/* ------------------------------------------------------------------------
 * The walk
 */

static void open_block(struct order *order, u32 block, u32 from)
{
	order->state[block] = OPEN;
	order->tree[block] = from;
	order->number[order->reached++] = block;
}

static void close_block(struct order *order, u32 block)
{
	order->state[block] = CLOSED;
	order->closed[order->left++] = block;
	if (order->tree[block] != KPS_NONE)
		order->open[block] = order->tree[block];
}

/* The block to go on from: the target if it is new. */
static u32 walk_edge(struct order *order, u32 block, u32 which)
{
	u32 target = order->cfg->blocks[block].succ[which];
	u32 edge = 2 * block + which;

	if (target == KPS_NONE)
		return block;
	switch (order->state[target]) {
	case NEW:
		open_block(order, target, block);
		add_edge(order, order->preds, target, edge);
		return target;
	case OPEN:
		add_edge(order, order->backs, target, edge);
		return block;
	default:
		add_edge(order, order->late, find(order->open, target), edge);
		return block;
	}
}

/*
 * work[] counts the successors still to follow. The next slot comes last
 * and so, in the schedule, first.
 */
static int walk(struct order *order, u32 entry)
{
	u32 block = entry;
	int err;

	open_block(order, entry, KPS_NONE);
	while (block != KPS_NONE) {
		u32 *left = &order->work[block];

		if (*left == KPS_NONE)
			*left = 2;
		if (*left) {
			block = walk_edge(order, block, --*left);
		} else {
			close_block(order, block);
			block = order->tree[block];
		}
		err = kps_cfg_tick(order->build);
		if (err)
			return err;
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * The loops
 */

/* Edges whose ends have this block as their lowest common ancestor. */
static void restore_edges(struct order *order, u32 block)
{
	u32 edge, next, target;

	for (edge = order->late[block]; edge != KPS_NONE; edge = next) {
		next = order->next[edge];
		target = order->cfg->blocks[edge / 2].succ[edge & 1];
		add_edge(order, order->preds, find(order->rep, target), edge);
	}
}

/* Source of an edge into the loop of @head; found anew: one more body member. */
static u32 take_source(struct order *order, u32 head, u32 edge, u32 fill)
{
	u32 source = find(order->rep, edge / 2);

	if (source == head || order->head[source] == head)
		return fill;
	order->head[source] = head;
	order->work[fill] = source;
	return fill + 1;
}

static int find_body(struct order *order, u32 head)
{
	u32 edge, done = 0, fill = 0;
	int err;

	for (edge = order->backs[head]; edge != KPS_NONE; edge = order->next[edge])
		fill = take_source(order, head, edge, fill);
	for (; done < fill; done++) {
		edge = order->preds[order->work[done]];
		for (; edge != KPS_NONE; edge = order->next[edge])
			fill = take_source(order, head, edge, fill);
		err = kps_cfg_tick(order->build);
		if (err)
			return err;
	}
	while (done)
		order->rep[order->work[--done]] = head;
	return 0;
}

static int find_loops(struct order *order)
{
	u32 rank = order->reached;
	int err = 0;

	while (rank-- && !err) {
		u32 block = order->number[rank];

		restore_edges(order, block);
		if (order->backs[block] != KPS_NONE)
			err = find_body(order, block);
	}
	return err;
}

/* ------------------------------------------------------------------------
 * The schedule
 */

static u32 count_loops(const struct order *order)
{
	u32 i, n = 0;

	for (i = 0; i < order->cfg->nr_blocks; i++)
		n += order->backs[i] != KPS_NONE;
	return n;
}

/*
 * Each head's body in order; what lies in no loop is the body of the
 * subprogram, whose list hangs on tops[].
 */
static void plant_forest(struct order *order, u32 *tops)
{
	u32 i;

	for (i = 0; i < order->left; i++) {
		u32 block = order->closed[i];
		u32 head = order->head[block];
		u32 *list = &tops[order->cfg->blocks[block].subprog];

		if (head != KPS_NONE)
			list = &order->child[head];
		order->sibling[block] = *list;
		*list = block;
	}
}

static u32 loop_of(const struct order *order, u32 head)
{
	return head == KPS_NONE ? KPS_NONE : order->cfg->blocks[head].loop;
}

static void emit_loop(struct order *order, u32 head)
{
	struct kps_cfg *cfg = order->cfg;
	u32 parent = loop_of(order, order->head[head]);

	cfg->blocks[head].loop = cfg->nr_loops;
	cfg->loops[cfg->nr_loops++] = (struct kps_loop){
		.head = head,
		.parent = parent,
		.depth = parent == KPS_NONE ? 1 : cfg->loops[parent].depth + 1,
		.first = cfg->blocks[head].order,
	};
}

static void emit_block(struct order *order, struct kps_subprog *sub, u32 block)
{
	struct kps_cfg *cfg = order->cfg;

	cfg->blocks[block].order = sub->sched_len;
	cfg->schedule[sub->sched + sub->sched_len++] = block;
	if (order->backs[block] != KPS_NONE)
		emit_loop(order, block);
	else
		cfg->blocks[block].loop = loop_of(order, order->head[block]);
}

/* After a block and all of its body: loops that end here are left. */
static u32 after(struct order *order, const struct kps_subprog *sub, u32 block)
{
	struct kps_cfg *cfg = order->cfg;

	while (block != KPS_NONE) {
		if (order->backs[block] != KPS_NONE)
			cfg->loops[cfg->blocks[block].loop].last = sub->sched_len;
		if (order->sibling[block] != KPS_NONE)
			return order->sibling[block];
		block = order->head[block];
	}
	return KPS_NONE;
}

static int emit_subprog(struct order *order, struct kps_subprog *sub, u32 block)
{
	int err;

	while (block != KPS_NONE) {
		emit_block(order, sub, block);
		if (order->child[block] != KPS_NONE)
			block = order->child[block];
		else
			block = after(order, sub, block);
		err = kps_cfg_tick(order->build);
		if (err)
			return err;
	}
	return 0;
}

static int emit(struct order *order)
{
	struct kps_cfg *cfg = order->cfg;
	u32 i, sched = 0, n = count_loops(order);
	u32 *tops = new_array(order, cfg->nr_subprogs);
	int err = 0;

	cfg->loops = kps_arena_array(order->build->arena, n, sizeof(*cfg->loops));
	if (!tops || !cfg->loops)
		return -ENOMEM;
	plant_forest(order, tops);
	for (i = 0; i < cfg->nr_subprogs && !err; i++) {
		cfg->subprogs[i].sched = sched;
		err = emit_subprog(order, &cfg->subprogs[i], tops[i]);
		sched += cfg->subprogs[i].sched_len;
	}
	return err;
}

/* ------------------------------------------------------------------------
 * Without loops
 */

/* A walk in depth, as above. */
struct plain_walk {
	u8 *left;	/* PLAIN_NEW, PLAIN_CLOSED, or successors to follow, plus one */
	u32 *from;
	u32 *closed;
	u32 nr;
};

enum { PLAIN_NEW = 0, PLAIN_OPENED = 3, PLAIN_CLOSED = 4 };

/* The block to go on from, or KPS_NONE; *@loop: a block was met that is still open. */
static u32 plain_step(const struct kps_cfg *cfg, struct plain_walk *w, u32 block, bool *loop)
{
	u32 target;

	if (w->left[block] == 1) {
		w->left[block] = PLAIN_CLOSED;
		w->closed[w->nr++] = block;
		return w->from[block];
	}
	target = cfg->blocks[block].succ[--w->left[block] - 1];
	if (target == KPS_NONE || w->left[target] == PLAIN_CLOSED)
		return block;
	*loop |= w->left[target] != PLAIN_NEW;
	w->left[target] = PLAIN_OPENED;
	w->from[target] = block;
	return target;
}

/* What was left last comes first. */
static void schedule_backwards(struct kps_cfg *cfg, struct kps_subprog *sub,
			       const struct plain_walk *w)
{
	u32 block;

	for (sub->sched_len = 0; sub->sched + sub->sched_len < w->nr; sub->sched_len++) {
		block = w->closed[w->nr - 1 - sub->sched_len];
		cfg->schedule[sub->sched + sub->sched_len] = block;
		cfg->blocks[block].order = sub->sched_len;
	}
}

static int walk_plainly(struct kps_cfg_build *build, struct plain_walk *w, u32 i, bool *loop)
{
	struct kps_subprog *sub = &build->cfg->subprogs[i];
	u32 block = sub->first_block;
	int err = 0;

	sub->sched = w->nr;
	w->left[block] = PLAIN_OPENED;
	w->from[block] = KPS_NONE;
	while (block != KPS_NONE && !*loop && !err) {
		block = plain_step(build->cfg, w, block, loop);
		err = kps_cfg_tick(build);
	}
	if (!*loop)
		schedule_backwards(build->cfg, sub, w);
	return err;
}

/*
 * Most programs have no loop. Then blocks are in topological order in the order, turned
 * around, in which a walk leaves them; one that meets an open block has found a loop.
 */
static int order_plainly(struct kps_cfg_build *build, bool *loop)
{
	struct kps_cfg *cfg = build->cfg;
	u32 i, n = cfg->nr_blocks;
	struct plain_walk w = {
		.left = kps_arena_zalloc(build->scratch, n),
		.from = kps_arena_array(build->scratch, n, sizeof(u32)),
		.closed = kps_arena_array(build->scratch, n, sizeof(u32)),
	};
	int err = 0;

	cfg->schedule = kps_arena_array(build->arena, n, sizeof(u32));
	if (!w.left || !w.from || !w.closed || !cfg->schedule)
		return -ENOMEM;
	for (i = 0; i < cfg->nr_subprogs && !*loop && !err; i++)
		err = walk_plainly(build, &w, i, loop);
	for (i = 0; i < cfg->nr_subprogs && *loop; i++)
		cfg->subprogs[i].sched_len = 0;
	return err;
}

int kps_cfg_order(struct kps_cfg_build *build)
{
	struct order order = { .build = build, .cfg = build->cfg };
	bool loop = false;
	int err = order_plainly(build, &loop);
	u32 i;

	if (err || !loop)
		return err;
	err = allocate(&order);
	for (i = 0; i < build->cfg->nr_subprogs && !err; i++)
		err = walk(&order, build->cfg->subprogs[i].first_block);
	if (!err)
		err = find_loops(&order);
	if (!err)
		err = emit(&order);
	return err;
}
