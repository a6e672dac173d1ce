// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - how values move: ids and the intervals between them */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/state.h"

#define MAX_ANCESTORS 16

/* Ids are kept in a tree of four levels: three of nodes, then leaves of ids. */
static void **step_down(void *node, u32 id, u32 level)
{
	return &((void **)node)[id >> level * KPS_ID_BITS & (KPS_ID_FAN - 1)];
}

static struct kps_id *slot_of(struct kps_pool *pool, u32 id)
{
	void **at = &pool->ids;
	u32 level;

	if (id >= KPS_MAX_KEPT_IDS)
		return NULL;
	for (level = KPS_ID_LEVELS; level--; at = level ? step_down(*at, id, level) : at) {
		size_t size = level ? sizeof(void *) : sizeof(struct kps_id);

		if (!*at)
			*at = kps_arena_array(pool->arena, KPS_ID_FAN, size);
		if (!*at)
			return NULL;
	}
	return &((struct kps_id *)*at)[id & (KPS_ID_FAN - 1)];
}

/* What was kept of an id, or NULL. */
static const struct kps_id *kept(const struct kps_pool *pool, u32 id)
{
	void *node = pool->ids;
	u32 level;

	for (level = KPS_ID_LEVELS - 1; level && node; level--)
		node = *step_down(node, id, level);
	return node && id < KPS_MAX_KEPT_IDS ?
	       &((struct kps_id *)node)[id & (KPS_ID_FAN - 1)] : NULL;
}

/* What can't be remembered is only less known. */
void kps_id_relate(struct kps_pool *pool, u32 id, u32 parent, s64 lo, s64 hi)
{
	struct kps_id *slot = slot_of(pool, id);

	if (slot)
		*slot = (struct kps_id){ .parent = parent, .lo = lo, .hi = hi };
}

const struct kps_id *kps_id_parent(const struct kps_pool *pool, u32 id)
{
	const struct kps_id *up = kept(pool, id);

	return up && up->parent ? up : NULL;
}

void kps_id_anchor(struct kps_pool *pool, u32 id)
{
	struct kps_id *slot = slot_of(pool, id);

	if (slot)
		slot->anchor = true;
}

/* One that could not be remembered may be. */
bool kps_id_is_anchor(const struct kps_pool *pool, u32 id)
{
	const struct kps_id *self = kept(pool, id);

	return id >= KPS_MAX_KEPT_IDS || (self && self->anchor);
}

bool kps_id_distance(const struct kps_pool *pool, u32 id, u32 from, s64 *lo, s64 *hi)
{
	const struct kps_id *up;
	u32 n;

	*lo = 0;
	*hi = 0;
	for (n = 0; n < MAX_ANCESTORS && id != from; n++) {
		up = kps_id_parent(pool, id);
		if (!up || check_add_overflow(*lo, up->lo, lo) ||
		    check_add_overflow(*hi, up->hi, hi))
			return false;
		id = up->parent;
	}
	return id == from;
}
