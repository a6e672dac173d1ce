// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - lists of states that wait at a place */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/lattice.h"
#include "core/list.h"
#include "core/live.h"
#include "core/oracle.h"

#define MAX_COMPARED	32	/* states that a new one is held against */

void kps_list_append(struct kps_list *list, struct kps_state *s)
{
	if (list->first)
		list->last->next = s;
	else
		list->first = s;
	list->last = s;
	s->next = NULL;
	list->nr++;
}

static void list_prepend(struct kps_list *list, struct kps_state *s)
{
	if (!list->first)
		list->last = s;
	s->next = list->first;
	list->first = s;
	list->nr++;
}

/* A state inside one that waits already has nothing new to show. */
struct kps_state *kps_list_around(struct kps_env *env, const struct kps_list *list,
				  const struct kps_state *s)
{
	struct kps_state *t;
	u32 n = 0;

	if (kps_oracle_plain())
		return NULL;
	for (t = list->first; t && n < MAX_COMPARED; t = t->next, n++)
		if (kps_state_in(env, s, t))
			return t;
	return NULL;
}

struct kps_state *kps_list_nearest(const struct kps_list *list, const struct kps_state *s)
{
	struct kps_state *t, *nearest = NULL;
	u32 best = U32_MAX;

	for (t = list->first; t; t = t->next) {
		u32 distance;

		if (!kps_state_joinable(t, s))
			continue;
		distance = kps_state_distance(t, s);
		if (distance < best) {
			best = distance;
			nearest = t;
		}
	}
	return nearest;
}

/* A state that differs from another only in what does not matter is around it, too. */
static struct kps_state *around(struct kps_env *env, const struct kps_list *list,
				const struct kps_state *s, const struct kps_live *live)
{
	struct kps_state *t;

	env->moved_only = live && env->width ? live->regs & ~live->matter : 0;
	t = kps_list_around(env, list, s);
	env->moved_only = 0;
	return t;
}

static int join_into(struct kps_env *env, struct kps_state *t, struct kps_state *s)
{
	int err = kps_state_join(env, t, s, KPS_JOIN);

	kps_state_free(&env->pool, s);
	return err;
}

int kps_list_add(struct kps_env *env, struct kps_list *list, struct kps_state *s,
		 const struct kps_live *live)
{
	struct kps_state *t;

	if (!list->first) {
		kps_list_append(list, s);
		return 0;
	}
	t = around(env, list, s, live);
	if (t && env->skipped)
		return join_into(env, t, s);
	if (t) {
		t->steps = max(t->steps, s->steps);
		kps_state_free(&env->pool, s);
		return 0;
	}
	if (!env->width) {
		list_prepend(list, s);
		return 0;
	}
	t = list->nr < env->width ? NULL : kps_list_nearest(list, s);
	if (t)
		return join_into(env, t, s);
	kps_list_append(list, s);
	return 0;
}

int kps_list_copy(struct kps_env *env, struct kps_list *to, const struct kps_list *from)
{
	const struct kps_state *s;
	struct kps_state *copy;

	*to = (struct kps_list){ .first = NULL };
	for (s = from->first; s; s = s->next) {
		copy = kps_state_copy(&env->pool, s);
		if (!copy)
			return -ENOMEM;
		kps_list_append(to, copy);
	}
	return 0;
}

void kps_list_clear(struct kps_env *env, struct kps_list *list)
{
	kps_state_free_list(&env->pool, list->first);
	*list = (struct kps_list){ .first = NULL };
}
