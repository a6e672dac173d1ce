// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type array */

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "compat.h"
#include "map.h"
#include "maps/area.h"
#include "maps/array.h"
#include "value.h"

/**
 * struct kps_array - an array
 * @map: head
 * @data: values; of whole pages if userspace may map it
 * @view: of @data; values are multiples of 8 bytes apart
 */
struct kps_array {
	struct kps_map map;
	void *data;
	struct kps_view view;
};

static struct kps_array *array_of(struct kps_map *map)
{
	return container_of(map, struct kps_array, map);
}

static int array_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || !arg->value_size || !arg->max_entries)
		return -EINVAL;
	/* Strides are 32 bits wide. */
	return arg->value_size > S32_MAX ? -E2BIG : 0;
}

/* What is mapped is whole pages, with nothing else in the last one. */
static u64 data_size(const struct kapsel_map_create *arg)
{
	u64 size = (u64)ALIGN(arg->value_size, 8) * arg->max_entries;

	return arg->map_flags & BPF_F_MMAPABLE ? PAGE_ALIGN(size) : size;
}

static struct kps_map *array_alloc(const struct kapsel_map_create *arg)
{
	u64 size = data_size(arg);
	struct kps_array *array;

	array = kzalloc(sizeof(*array), GFP_KERNEL_ACCOUNT);
	if (!array)
		return ERR_PTR(-ENOMEM);
	array->data = kps_area_alloc(size);
	if (!array->data) {
		kfree(array);
		return ERR_PTR(-ENOMEM);
	}
	array->view = (struct kps_view){
		.values = (unsigned long)array->data, .stride = ALIGN(arg->value_size, 8),
		.entries = arg->max_entries,
	};
	array->map.user_size = arg->value_size;
	array->map.memory = sizeof(*array) + size;
	return &array->map;
}

static void array_free(struct kps_map *map)
{
	struct kps_array *array = array_of(map);

	kvfree(array->data);
	kfree(array);
}

static void *array_lookup(struct kps_map *map, const void *key)
{
	struct kps_array *array = array_of(map);
	u32 index = *(const u32 *)key;

	if (index >= map->max_entries)
		return NULL;
	/* A mispredicted check must not become a read beyond the array. */
	index = array_index_nospec(index, map->max_entries);
	return array->data + (u64)array->view.stride * index;
}

static long array_update(struct kps_map *map, const void *key, const void *value,
			 u64 flags)
{
	void *to = array_lookup(map, key);

	if ((flags & ~BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (!to)
		return -E2BIG;
	if (flags & BPF_NOEXIST)
		return -EEXIST;
	if (kps_value_flags(map, flags))
		return -EINVAL;
	kps_value_change(map, to, value);
	return 0;
}

static bool array_each(struct kps_map *map, struct kps_each *each)
{
	struct kps_array *array = array_of(map);

	if (each->at == map->max_entries)
		return false;
	each->index = each->at++;
	each->key = (unsigned long)&each->index;
	each->value = (unsigned long)array->data + array->view.stride * each->index;
	return true;
}

long kps_array_remove(struct kps_map *map, const void *key)
{
	return -EINVAL;
}

static int array_read(struct kps_map *map, const void *key, void *value)
{
	void *from = array_lookup(map, key);

	if (!from)
		return -ENOENT;
	kps_value_load(map, value, from);
	return 0;
}

static int array_write(struct kps_map *map, const void *key, const void *value,
		       u64 flags)
{
	return array_update(map, key, value, flags);
}

int kps_array_next_key(struct kps_map *map, const void *key, void *next)
{
	u32 index = key ? *(const u32 *)key : U32_MAX;

	if (index >= map->max_entries)
		index = 0;
	else if (++index == map->max_entries)
		return -ENOENT;
	*(u32 *)next = index;
	return 0;
}

int kps_array_batch(struct kps_map *map, struct kps_batch *batch)
{
	u32 index;

	if (batch->cursor > map->max_entries)
		return -EINVAL;
	for (; batch->n < batch->room; batch->n++, batch->cursor++) {
		index = batch->cursor;
		if (index == map->max_entries)
			break;
		memcpy(batch->keys + (u64)batch->n * sizeof(index), &index,
		       sizeof(index));
		map->ops->read(map, &index,
			       batch->values + (u64)batch->n * map->user_size);
	}
	return batch->cursor == map->max_entries ? -ENOENT : 0;
}

static void *array_direct(struct kps_map *map)
{
	return array_of(map)->data;
}

static u64 mapped_size(const struct kps_array *array)
{
	return PAGE_ALIGN((u64)array->view.stride * array->map.max_entries);
}

static const struct kps_view *array_view(struct kps_map *map)
{
	return &array_of(map)->view;
}

static int array_mmap(struct kps_map *map, struct vm_area_struct *vma)
{
	struct kps_array *array = array_of(map);

	if (!(map->flags & BPF_F_MMAPABLE))
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE && map->flags & BPF_F_RDONLY_PROG)
		return -EACCES;
	if (!(vma->vm_flags & VM_WRITE))
		kps_vm_forbid(vma, VM_MAYWRITE);
	return kps_area_mmap(array->data, mapped_size(array), vma);
}

u32 kps_array_used(struct kps_map *map)
{
	return map->max_entries;
}

const struct kps_map_ops kps_map_array_ops = {
	.check = array_check,
	.alloc = array_alloc,
	.free = array_free,
	.lookup = array_lookup,
	.update = array_update,
	.remove = kps_array_remove,
	.each = array_each,
	.read = array_read,
	.write = array_write,
	.next_key = kps_array_next_key,
	.batch = kps_array_batch,
	.direct = array_direct,
	.view = array_view,
	.mmap = array_mmap,
	.used = kps_array_used,
};
