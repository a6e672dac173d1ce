// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type hash */

#include "maps/htab.h"

static struct kps_map *hash_alloc(const struct kapsel_map_create *arg)
{
	return kps_htab_alloc(arg, false, false);
}

static void *hash_lookup(struct kps_map *map, const void *key)
{
	struct kps_htab *htab = kps_htab_of(map);
	struct kps_elem *elem = kps_htab_find(htab, key);

	return elem ? kps_htab_value(htab, elem) : NULL;
}

static u64 hash_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)hash_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

const struct kps_map_ops kps_map_hash_ops = {
	KPS_HTAB_OPS,
	.check = kps_htab_check,
	.alloc = hash_alloc,
	.lookup = hash_lookup,
	.lookup_body = hash_lookup_body,
};
