// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - how values move: ids and the intervals between them */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/state.h"

#define MAX_ANCESTORS 16

static struct kps_id *slot_of(struct kps_pool *pool, u32 id)
{
	u32 chunk = id / KPS_IDS_A_CHUNK;

	if (chunk >= KPS_ID_CHUNKS)
		return NULL;
	if (!pool->ids)
		pool->ids = kps_arena_array(pool->arena, KPS_ID_CHUNKS, sizeof(*pool->ids));
	if (!pool->ids)
		return NULL;
	if (!pool->ids[chunk])
		pool->ids[chunk] = kps_arena_array(pool->arena, KPS_IDS_A_CHUNK,
						   sizeof(**pool->ids));
	return pool->ids[chunk] ? &pool->ids[chunk][id % KPS_IDS_A_CHUNK] : NULL;
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
	u32 chunk = id / KPS_IDS_A_CHUNK;

	if (!pool->ids || chunk >= KPS_ID_CHUNKS || !pool->ids[chunk] ||
	    !pool->ids[chunk][id % KPS_IDS_A_CHUNK].parent)
		return NULL;
	return &pool->ids[chunk][id % KPS_IDS_A_CHUNK];
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
	u32 chunk = id / KPS_IDS_A_CHUNK;

	if (chunk >= KPS_ID_CHUNKS)
		return true;
	return pool->ids && pool->ids[chunk] && pool->ids[chunk][id % KPS_IDS_A_CHUNK].anchor;
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
