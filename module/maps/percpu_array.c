// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type per-CPU array */

#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"
#include "maps/array.h"

/**
 * struct kps_percpu_array - an array with a value for each CPU
 * @map: head
 * @mask: of indexes in @values
 * @values: by index, and NULLs up to a power of two
 */
struct kps_percpu_array {
	struct kps_map map;
	u32 mask;
	void __percpu *values[];
};

static struct kps_percpu_array *array_of(struct kps_map *map)
{
	return container_of(map, struct kps_percpu_array, map);
}

static int array_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || !arg->value_size || !arg->max_entries)
		return -EINVAL;
	return kps_percpu_check(arg->value_size, arg->max_entries);
}

static void free_values(struct kps_percpu_array *array, u32 n)
{
	while (n--) {
		free_percpu(array->values[n]);
		cond_resched();
	}
}

static int alloc_values(struct kps_percpu_array *array,
			const struct kapsel_map_create *arg)
{
	int err;
	u32 i;

	for (i = 0; i < arg->max_entries; i++) {
		err = -EINTR;
		if (fatal_signal_pending(current))
			goto free;
		err = -ENOMEM;
		array->values[i] = kps_percpu_alloc(arg->value_size);
		if (!array->values[i])
			goto free;
		cond_resched();
	}
	return 0;
free:
	free_values(array, i);
	return err;
}

static struct kps_map *array_alloc(const struct kapsel_map_create *arg)
{
	u64 places = roundup_pow_of_two((u64)arg->max_entries), size;
	struct kps_percpu_array *array;
	int err;

	size = sizeof(*array) + places * sizeof(*array->values);
	array = kps_area_alloc(size);
	if (!array)
		return ERR_PTR(-ENOMEM);
	array->mask = places - 1;
	err = alloc_values(array, arg);
	if (err) {
		kvfree(array);
		return ERR_PTR(err);
	}
	array->map.user_size = kps_percpu_user_size(arg->value_size);
	array->map.memory = size + (u64)arg->max_entries * array->map.user_size;
	return &array->map;
}

static void array_free(struct kps_map *map)
{
	struct kps_percpu_array *array = array_of(map);

	free_values(array, map->max_entries);
	kvfree(array);
}

static __always_inline bool find(struct kps_map *map, const void *key, void __percpu **value)
{
	const struct kps_percpu_array *array = array_of(map);
	u32 index = *(const u32 *)key;

	if (index >= map->max_entries)
		return false;
	/* A mispredicted check must not become a read beyond the array. */
	*value = array->values[index & array->mask];
	return true;
}

static __always_inline void *array_lookup(struct kps_map *map, const void *key)
{
	void __percpu *value;

	return find(map, key, &value) ? this_cpu_ptr(value) : NULL;
}

static void *array_lookup_cpu(struct kps_map *map, const void *key, u32 cpu)
{
	void __percpu *value;

	return find(map, key, &value) ? per_cpu_ptr(value, cpu) : NULL;
}

static int find_for_update(struct kps_map *map, const void *key, u64 flags, void __percpu **to)
{
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!find(map, key, to))
		return -E2BIG;
	return flags == BPF_NOEXIST ? -EEXIST : 0;
}

/* Not traced: what that takes is a tenth of it. */
static notrace u64 array_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)array_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

static long array_update(struct kps_map *map, const void *key, const void *value,
			 u64 flags)
{
	void __percpu *to;
	int err = find_for_update(map, key, flags, &to);

	if (!err)
		memcpy(this_cpu_ptr(to), value, map->value_size);
	return err;
}

static bool array_each(struct kps_map *map, struct kps_each *each)
{
	if (each->at == map->max_entries)
		return false;
	each->index = each->at++;
	each->key = (unsigned long)&each->index;
	each->value = (unsigned long)this_cpu_ptr(array_of(map)->values[each->index]);
	return true;
}

static int array_write(struct kps_map *map, const void *key, const void *value,
		       u64 flags)
{
	void __percpu *to;
	int err = find_for_update(map, key, flags, &to);

	if (!err)
		kps_percpu_write(to, value, map->value_size);
	return err;
}

static int array_read(struct kps_map *map, const void *key, void *value)
{
	void __percpu *from;

	if (!find(map, key, &from))
		return -ENOENT;
	kps_percpu_read(value, from, map->value_size);
	return 0;
}

const struct kps_map_ops kps_map_percpu_array_ops = {
	.check = array_check,
	.alloc = array_alloc,
	.free = array_free,
	.lookup = array_lookup,
	.lookup_body = array_lookup_body,
	.lookup_cpu = array_lookup_cpu,
	.update = array_update,
	.remove = kps_array_remove,
	.each = array_each,
	.read = array_read,
	.write = array_write,
	.next_key = kps_array_next_key,
	.batch = kps_array_batch,
	.used = kps_array_used,
};
