/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: lists of states */
#ifndef KPS_LIST_H
#define KPS_LIST_H

#include <linux/types.h>

#include "core/env.h"

/** struct kps_list - states that wait at a place */
struct kps_list {
	struct kps_state *first;
	struct kps_state *last;
	u32 nr;
};

struct kps_live;

/**
 * kps_list_add - put a state among others; dropped or joined if it may be
 * @env: the verification
 * @list: the others
 * @s: the state, taken over
 * @live: of the place; what does not matter there keeps no states apart. Or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int kps_list_add(struct kps_env *env, struct kps_list *list, struct kps_state *s,
		 const struct kps_live *live);

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

#endif
