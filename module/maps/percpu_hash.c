// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type per-CPU hash */

#include <linux/percpu.h>

#include "maps/area.h"
#include "maps/htab.h"

static int hash_check(const struct kapsel_map_create *arg)
{
	int err = kps_htab_check(arg);

	if (err)
		return err;
	return kps_percpu_check(arg->value_size, arg->max_entries);
}

static struct kps_map *hash_alloc(const struct kapsel_map_create *arg)
{
	return kps_htab_alloc(arg, true, false);
}

static void *hash_lookup_cpu(struct kps_map *map, const void *key, u32 cpu)
{
	struct kps_htab *htab = kps_htab_of(map);
	struct kps_elem *elem = kps_htab_find(htab, key);

	if (!elem)
		return NULL;
	return per_cpu_ptr(*(void __percpu **)kps_htab_value(htab, elem), cpu);
}

/* Programs run with preemption off. */
static void *hash_lookup(struct kps_map *map, const void *key)
{
	return hash_lookup_cpu(map, key, smp_processor_id());
}

static u64 hash_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)hash_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

const struct kps_map_ops kps_map_percpu_hash_ops = {
	KPS_HTAB_OPS,
	.check = hash_check,
	.alloc = hash_alloc,
	.lookup = hash_lookup,
	.lookup_body = hash_lookup_body,
	.lookup_cpu = hash_lookup_cpu,
};
