// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type LRU per-CPU hash */

#include <linux/percpu.h>

#include "maps/area.h"
#include "maps/htab.h"

static int lru_check(const struct kapsel_map_create *arg)
{
	return kps_htab_check(arg) ?: kps_percpu_check(arg->value_size, arg->max_entries);
}

static struct kps_map *lru_alloc(const struct kapsel_map_create *arg)
{
	return kps_htab_alloc(arg, true, true);
}

static void *value_of(const struct kps_htab *htab, struct kps_elem *elem, u32 cpu)
{
	return per_cpu_ptr(*(void __percpu **)kps_htab_value(htab, elem), cpu);
}

static void *lru_lookup_cpu(struct kps_map *map, const void *key, u32 cpu)
{
	struct kps_htab *htab = kps_htab_of(map);
	struct kps_elem *elem = kps_htab_find(htab, key);

	kps_htab_touch(elem);
	return elem ? value_of(htab, elem, cpu) : NULL;
}

/* Programs run with preemption off. */
static void *lru_lookup(struct kps_map *map, const void *key)
{
	return lru_lookup_cpu(map, key, smp_processor_id());
}

static u64 lru_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)lru_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

const struct kps_map_ops kps_map_lru_percpu_hash_ops = {
	KPS_HTAB_OPS,
	.check = lru_check,
	.alloc = lru_alloc,
	.lookup = lru_lookup,
	.lookup_body = lru_lookup_body,
	.lookup_cpu = lru_lookup_cpu,
};
