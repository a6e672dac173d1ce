// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - maps in maps: what both types of them share */

#include <linux/err.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/inner.h"

/* No deeper: what a program finds in there has no type of its own. */
static bool may_be_inner(const struct kps_map *map)
{
	return !(map->type->ops & (KAPSEL_MAP_OP_MAPS | KAPSEL_MAP_OP_PROGS));
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* All that the verifier is told of it. */
static bool is_like(const struct kps_inner_facts *facts, const struct kps_map *map)
{
	return facts->type == map->type->type && facts->key_size == map->key_size &&
	       facts->value_size == map->value_size && facts->flags == map->flags &&
	       (facts->max_entries == map->max_entries || !is_array(facts->type)) &&
	       !map->lock_size;
}

int kps_inner_like(struct kps_map *map, const struct kapsel_map_create *arg)
{
	struct kps_map *inner = kps_map_by_fd(arg->inner_map_fd);
	int err = 0;

	if (IS_ERR(inner))
		return PTR_ERR(inner);
	if (inner->lock_size || inner->type->ops & KAPSEL_MAP_OP_LOCAL)
		err = -EOPNOTSUPP;
	else if (may_be_inner(inner))
		map->inner = (struct kps_inner_facts){
			.type = inner->type->type, .key_size = inner->key_size,
			.value_size = inner->value_size,
			.max_entries = inner->max_entries, .flags = inner->flags,
		};
	else
		err = -EINVAL;
	kps_map_put(inner);
	return err;
}

struct kps_map *kps_inner_get(const struct kps_map *map, const void *value)
{
	struct kps_map *inner = kps_map_by_fd(*(const u32 *)value);

	if (IS_ERR(inner))
		return inner;
	if (!is_like(&map->inner, inner)) {
		kps_map_put(inner);
		return ERR_PTR(-EINVAL);
	}
	/* Before any program finds it: from now on it ends after a grace period. */
	WRITE_ONCE(inner->found, true);
	return inner;
}
