// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type LRU hash */

#include "maps/htab.h"

static struct kps_map *lru_alloc(const struct kapsel_map_create *arg)
{
	return kps_htab_alloc(arg, false, true);
}

static void *lru_lookup(struct kps_map *map, const void *key)
{
	struct kps_htab *htab = kps_htab_of(map);
	struct kps_elem *elem = kps_htab_find(htab, key);

	kps_htab_touch(elem);
	return elem ? kps_htab_value(htab, elem) : NULL;
}

static u64 lru_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)lru_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

const struct kps_map_ops kps_map_lru_hash_ops = {
	KPS_HTAB_OPS,
	.check = kps_htab_check,
	.alloc = lru_alloc,
	.lookup = lru_lookup,
	.lookup_body = lru_lookup_body,
};
