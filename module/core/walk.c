// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - loops that are walked, iteration by iteration */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/lattice.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/report.h"

bool kps_walk_descends(const struct kps_state *s, const struct kps_state *from)
{
	const struct kps_node *node = s->path;

	while (node && node != from->path)
		node = node->parent;
	return node;
}

/* The very state that this path had here before: it will come here for ever. */
static bool came_back(struct kps_env *env, const struct kps_loop_run *run,
		      const struct kps_state *s)
{
	const struct kps_state *t;

	for (t = run->head.first; t; t = t->next)
		if (kps_state_in(env, s, t) && kps_state_in(env, t, s) &&
		    kps_walk_descends(s, t))
			return true;
	return false;
}

/* In a pass that is not judged such a path just goes no further. */
static int check_state(struct kps_explorer *x, struct kps_loop_run *run,
		       const struct kps_at *at, bool *drop)
{
	*drop = came_back(x->env, run, at->s);
	if (!*drop)
		return kps_path_add(at, KAPSEL_STEP_JOIN, (u32)run->iteration, KAPSEL_NO_REG);
	kps_refuse(at, KPS_D_ENDLESS, KAPSEL_NO_REG)->detail = run->iteration;
	return kps_forgive(x->env, -EACCES);
}

/*
 * States at a loop's head, at the begin of an iteration. Remembering those of
 * iterations 0, 1, 2, 4, 8... finds every cycle after at most three times its length.
 */
int kps_walk_begin(struct kps_explorer *x, struct kps_loop_run *run, struct kps_list *list)
{
	u32 head = x->env->cfg.loops[run->loop].head;
	struct kps_at at = { .env = x->env, .pc = x->env->cfg.blocks[head].start };
	struct kps_list kept = { .first = NULL };
	bool drop;
	int err = 0;

	while (list->first && !err) {
		at.s = list->first;
		list->first = at.s->next;
		err = check_state(x, run, &at, &drop);
		if (err || drop)
			kps_state_free(&x->env->pool, at.s);
		else
			kps_list_append(&kept, at.s);
	}
	*list = kept;
	if (!err && !(run->iteration & (run->iteration - 1))) {
		kps_list_clear(x->env, &run->head);
		err = kps_list_copy(x->env, &run->head, list);
	}
	run->iteration++;
	return err;
}

void kps_walk_end(struct kps_env *env, struct kps_loop_run *run)
{
	kps_list_clear(env, &run->head);
	run->iteration = 0;
	run->phase = KPS_LOOP_IDLE;
}
