// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type array of maps */

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"
#include "maps/array.h"
#include "maps/inner.h"

/**
 * struct kps_map_array - an array of maps
 * @map: head
 * @maps: by index; each a reference. Programs that find one in here may use it until
 *	they end, whatever becomes of the array meanwhile
 */
struct kps_map_array {
	struct kps_map map;
	struct kps_map **maps;
};

static struct kps_map_array *array_of(const struct kps_map *map)
{
	return container_of(map, struct kps_map_array, map);
}

static int maps_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || arg->value_size != sizeof(u32) ||
	    !arg->max_entries)
		return -EINVAL;
	return 0;
}

static struct kps_map *maps_alloc(const struct kapsel_map_create *arg)
{
	struct kps_map_array *array = kzalloc(sizeof(*array), GFP_KERNEL_ACCOUNT);
	u64 size = (u64)arg->max_entries * sizeof(*array->maps);

	if (!array)
		return ERR_PTR(-ENOMEM);
	array->maps = kps_area_alloc(size);
	if (!array->maps) {
		kfree(array);
		return ERR_PTR(-ENOMEM);
	}
	array->map.user_size = sizeof(u32);
	array->map.memory = sizeof(*array) + size;
	return &array->map;
}

static void put_old(struct kps_map *map)
{
	if (map)
		kps_map_put(map);
}

static void maps_free(struct kps_map *map)
{
	struct kps_map_array *array = array_of(map);
	u32 i;

	for (i = 0; i < map->max_entries; i++) {
		put_old(array->maps[i]);
		cond_resched();
	}
	kvfree(array->maps);
	kfree(array);
}

static struct kps_map **slot(struct kps_map *map, u32 index)
{
	if (index >= map->max_entries)
		return NULL;
	/* A mispredicted check must not become a read beyond the array. */
	return &array_of(map)->maps[array_index_nospec(index, map->max_entries)];
}

static void *maps_lookup(struct kps_map *map, const void *key)
{
	struct kps_map **at = slot(map, *(const u32 *)key);

	return at ? READ_ONCE(*at) : NULL;
}

static int maps_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	struct kps_map **at = slot(map, *(const u32 *)key), *inner;

	if (flags != BPF_ANY)
		return -EINVAL;
	if (!at)
		return -E2BIG;
	inner = kps_inner_get(map, value);
	if (IS_ERR(inner))
		return PTR_ERR(inner);
	put_old(xchg(at, inner));
	return 0;
}

static long maps_remove(struct kps_map *map, const void *key)
{
	struct kps_map **at = slot(map, *(const u32 *)key), *inner;

	if (!at)
		return -E2BIG;
	inner = xchg(at, NULL);
	if (!inner)
		return -ENOENT;
	kps_map_put(inner);
	return 0;
}

/* What userspace reads are ids. */
static int maps_read(struct kps_map *map, const void *key, void *value)
{
	const struct kps_map *inner;

	rcu_read_lock();
	inner = maps_lookup(map, key);
	*(u32 *)value = inner ? inner->obj.id : 0;
	rcu_read_unlock();
	return *(u32 *)value ? 0 : -ENOENT;
}

static u32 maps_used(struct kps_map *map)
{
	u32 i, n = 0;

	for (i = 0; i < map->max_entries; i++)
		n += !!READ_ONCE(array_of(map)->maps[i]);
	return n;
}

const struct kps_map_ops kps_map_array_of_maps_ops = {
	.check = maps_check,
	.alloc = maps_alloc,
	.free = maps_free,
	.lookup = maps_lookup,
	.remove = maps_remove,
	.read = maps_read,
	.write = maps_write,
	.next_key = kps_array_next_key,
	.batch = kps_array_batch,
	.used = maps_used,
};
