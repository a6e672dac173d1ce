// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type cgroup array: cgroups by index, which userspace gives by file */

#include <linux/cgroup.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"
#include "maps/array.h"
#include "maps/cgroup_array.h"

/**
 * struct kps_cgroups - a cgroup array
 * @map: head
 * @cgroups: by index; each a reference, which is given up when it is replaced. A
 *	cgroup lives on for a grace period after its last
 */
struct kps_cgroups {
	struct kps_map map;
	struct cgroup **cgroups;
};

static struct kps_cgroups *cgroups_of(struct kps_map *map)
{
	return container_of(map, struct kps_cgroups, map);
}

static int cgroups_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || arg->value_size != sizeof(u32) ||
	    !arg->max_entries)
		return -EINVAL;
	return 0;
}

static struct kps_map *cgroups_alloc(const struct kapsel_map_create *arg)
{
	struct kps_cgroups *array = kzalloc(sizeof(*array), GFP_KERNEL_ACCOUNT);
	u64 size = (u64)arg->max_entries * sizeof(*array->cgroups);

	if (!array)
		return ERR_PTR(-ENOMEM);
	array->cgroups = kps_area_alloc(size);
	if (!array->cgroups) {
		kfree(array);
		return ERR_PTR(-ENOMEM);
	}
	array->map.user_size = sizeof(u32);
	array->map.memory = sizeof(*array) + size;
	return &array->map;
}

static void cgroups_free(struct kps_map *map)
{
	struct kps_cgroups *array = cgroups_of(map);
	u32 i;

	for (i = 0; i < map->max_entries; i++) {
		if (array->cgroups[i])
			cgroup_put(array->cgroups[i]);
		cond_resched();
	}
	kvfree(array->cgroups);
	kfree(array);
}

static struct cgroup **slot(struct kps_map *map, u32 index)
{
	if (index >= map->max_entries)
		return NULL;
	/* A mispredicted check must not become a read beyond the array. */
	return &cgroups_of(map)->cgroups[array_index_nospec(index, map->max_entries)];
}

static int cgroups_write(struct kps_map *map, const void *key, const void *value,
			 u64 flags)
{
	struct cgroup **at = slot(map, *(const u32 *)key), *cgroup;

	if (flags != BPF_ANY)
		return -EINVAL;
	if (!at)
		return -E2BIG;
	cgroup = cgroup_get_from_fd(*(const u32 *)value);
	if (IS_ERR(cgroup))
		return PTR_ERR(cgroup);
	cgroup = xchg(at, cgroup);
	if (cgroup)
		cgroup_put(cgroup);
	return 0;
}

static long cgroups_remove(struct kps_map *map, const void *key)
{
	struct cgroup **at = slot(map, *(const u32 *)key), *cgroup;

	if (!at)
		return -E2BIG;
	cgroup = xchg(at, NULL);
	if (!cgroup)
		return -ENOENT;
	cgroup_put(cgroup);
	return 0;
}

static u32 cgroups_used(struct kps_map *map)
{
	u32 i, n = 0;

	for (i = 0; i < map->max_entries; i++)
		n += !!READ_ONCE(cgroups_of(map)->cgroups[i]);
	return n;
}

long kps_cgroup_holds_current(struct kps_map *map, u32 index)
{
	struct cgroup **at = slot(map, index), *cgroup;
	long ret = -EAGAIN;

	if (!at)
		return -E2BIG;
	rcu_read_lock();
	cgroup = READ_ONCE(*at);
	if (cgroup)
		ret = task_under_cgroup_hierarchy(current, cgroup);
	rcu_read_unlock();
	return ret;
}

const struct kps_map_ops kps_map_cgroup_array_ops = {
	.check = cgroups_check,
	.alloc = cgroups_alloc,
	.free = cgroups_free,
	.remove = cgroups_remove,
	.write = cgroups_write,
	.next_key = kps_array_next_key,
	.used = cgroups_used,
};
