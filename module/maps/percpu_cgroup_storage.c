// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type per-CPU cgroup storage */

#include <linux/err.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <uapi/linux/bpf.h>

#include "maps/area.h"
#include "maps/cgroup_storage.h"

/**
 * struct kps_percpu_storage - a map
 * @map: head
 * @values: by place; NULLs behind the last
 */
struct kps_percpu_storage {
	struct kps_map map;
	void __percpu *values[KPS_STORAGE_PLACES];
};

static struct kps_percpu_storage *storage_of(struct kps_map *map)
{
	return container_of(map, struct kps_percpu_storage, map);
}

static int storage_check(const struct kapsel_map_create *arg)
{
	return kps_storage_check(arg, PCPU_MIN_UNIT_SIZE);
}

static void storage_free(struct kps_map *map)
{
	struct kps_percpu_storage *storage = storage_of(map);
	u32 i;

	for (i = 0; i < KPS_STORAGE_PLACES; i++)
		free_percpu(storage->values[i]);
	kfree(storage);
}

static struct kps_map *storage_alloc(const struct kapsel_map_create *arg)
{
	struct kps_percpu_storage *storage = kzalloc(sizeof(*storage), GFP_KERNEL_ACCOUNT);
	u32 i, count = kps_storage_count(arg->key_size);

	if (!storage)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		storage->values[i] = kps_percpu_alloc(arg->value_size);
		if (!storage->values[i]) {
			storage_free(&storage->map);
			return ERR_PTR(-ENOMEM);
		}
	}
	storage->map.user_size = kps_percpu_user_size(arg->value_size);
	storage->map.memory = sizeof(*storage) + (u64)count * storage->map.user_size;
	return &storage->map;
}

static void *storage_local(struct kps_map *map, u32 direction)
{
	return this_cpu_ptr(storage_of(map)->values[kps_storage_at(map, direction)]);
}

static int storage_read(struct kps_map *map, const void *key, void *value)
{
	int place = kps_storage_place(map, key);

	if (place < 0)
		return place;
	kps_percpu_read(value, storage_of(map)->values[place], map->value_size);
	return 0;
}

static int storage_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	int place = kps_storage_place(map, key);

	if (flags != BPF_ANY && flags != BPF_EXIST)
		return -EINVAL;
	if (place < 0)
		return place;
	kps_percpu_write(storage_of(map)->values[place], value, map->value_size);
	return 0;
}

const struct kps_map_ops kps_map_percpu_cgroup_storage_ops = {
	.check = storage_check,
	.alloc = storage_alloc,
	.free = storage_free,
	.local = storage_local,
	.remove = kps_storage_remove,
	.read = storage_read,
	.write = storage_write,
	.next_key = kps_storage_next_key,
	.batch = kps_storage_batch,
	.used = kps_storage_used,
};
