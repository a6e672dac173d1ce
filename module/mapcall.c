// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the ioctls of maps, one element at a time */

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/bpf.h>

#include "device.h"
#include "map.h"
#include "value.h"

/* Return: the caller's bytes, or ERR_PTR; for kvfree(). */
static void *copy_in(u64 from, u32 size)
{
	void *mem = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!mem)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(mem, u64_to_user_ptr(from), size)) {
		kvfree(mem);
		return ERR_PTR(-EFAULT);
	}
	return mem;
}

static int copy_out(u64 to, const void *from, u32 size)
{
	return copy_to_user(u64_to_user_ptr(to), from, size) ? -EFAULT : 0;
}

static struct kps_map *map_of(const struct kps_call *call)
{
	return kps_map_of(call->obj);
}

static int check_sizes(const struct kps_map *map,
		       const struct kapsel_map_elem *arg, bool value)
{
	if (arg->key_size != map->key_size || (!map->key_size && arg->key))
		return -EINVAL;
	if (value && arg->value_size != map->user_size)
		return -EINVAL;
	return 0;
}

static int take(struct kps_map *map, const void *key, void *value)
{
	int err;

	err = kps_map_write_begin(map);
	if (err)
		return err;
	err = map->ops->take(map, key, value);
	kps_map_write_end(map);
	return err;
}

/* Return: room for a value, or the caller's value if the map is asked for it. */
static void *value_room(const struct kps_map *map, u64 value)
{
	void *room;

	if (map->ops->asks)
		return copy_in(value, map->user_size);
	room = kvzalloc(map->user_size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return room ?: ERR_PTR(-ENOMEM);
}

/* Reads the element into memory of its own before anything reaches the caller. */
static int fetch(struct kps_map *map, const struct kapsel_map_elem *arg,
		 int (*get)(struct kps_map *map, const void *key, void *value))
{
	void *key, *value;
	int err;

	key = copy_in(arg->key, map->key_size);
	if (IS_ERR(key))
		return PTR_ERR(key);
	value = value_room(map, arg->value);
	if (IS_ERR(value)) {
		err = PTR_ERR(value);
		goto free_key;
	}
	err = get(map, key, value);
	if (!err && !map->ops->asks)
		err = copy_out(arg->value, value, map->user_size);
	kvfree(value);
free_key:
	kvfree(key);
	return err;
}

int kps_map_lookup(struct kps_call *call)
{
	const struct kapsel_map_elem *arg = call->arg;
	struct kps_map *map = map_of(call);

	if (!map->ops->read)
		return -EOPNOTSUPP;
	if (kps_value_read_flags(map, arg->flags) || check_sizes(map, arg, true))
		return -EINVAL;
	return fetch(map, arg, map->ops->read);
}

int kps_map_lookup_delete(struct kps_call *call)
{
	const struct kapsel_map_elem *arg = call->arg;
	struct kps_map *map = map_of(call);

	if (!map->ops->take)
		return -EOPNOTSUPP;
	if (kps_value_read_flags(map, arg->flags) || check_sizes(map, arg, true))
		return -EINVAL;
	return fetch(map, arg, take);
}

static int store(struct kps_map *map, const void *key, const void *value,
		 u64 flags)
{
	int err;

	err = kps_map_write_begin(map);
	if (err)
		return err;
	err = map->ops->write(map, key, value, flags);
	kps_map_write_end(map);
	return err;
}

int kps_map_update(struct kps_call *call)
{
	const struct kapsel_map_elem *arg = call->arg;
	struct kps_map *map = map_of(call);
	void *key, *value;
	int err;

	if (!map->ops->write)
		return -EOPNOTSUPP;
	if (kps_value_flags(map, arg->flags) || check_sizes(map, arg, true))
		return -EINVAL;
	key = copy_in(arg->key, map->key_size);
	if (IS_ERR(key))
		return PTR_ERR(key);
	value = copy_in(arg->value, map->user_size);
	if (IS_ERR(value)) {
		err = PTR_ERR(value);
		goto free_key;
	}
	err = store(map, key, value, arg->flags);
	kvfree(value);
free_key:
	kvfree(key);
	return err;
}

int kps_map_delete(struct kps_call *call)
{
	const struct kapsel_map_elem *arg = call->arg;
	struct kps_map *map = map_of(call);
	void *key;
	int err;

	if (!map->ops->remove)
		return -EOPNOTSUPP;
	if (arg->flags || check_sizes(map, arg, false))
		return -EINVAL;
	key = copy_in(arg->key, map->key_size);
	if (IS_ERR(key))
		return PTR_ERR(key);
	err = kps_map_write_begin(map);
	if (!err) {
		err = map->ops->remove(map, key);
		kps_map_write_end(map);
	}
	kvfree(key);
	return err;
}

int kps_map_next_key(struct kps_call *call)
{
	const struct kapsel_map_next *arg = call->arg;
	struct kps_map *map = map_of(call);
	void *key = NULL, *next;
	int err = -ENOMEM;

	if (!map->ops->next_key)
		return -EOPNOTSUPP;
	if (arg->__reserved || arg->key_size != map->key_size)
		return -EINVAL;
	if (arg->key) {
		key = copy_in(arg->key, map->key_size);
		if (IS_ERR(key))
			return PTR_ERR(key);
	}
	next = kvzalloc(map->key_size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (next)
		err = map->ops->next_key(map, key, next);
	if (!err)
		err = copy_out(arg->next_key, next, map->key_size);
	kvfree(next);
	kvfree(key);
	return err;
}

int kps_map_freeze(struct kps_call *call)
{
	const struct kapsel_flags *arg = call->arg;
	struct kps_map *map = map_of(call);
	int err = 0;

	if (arg->flags || arg->__reserved)
		return -EINVAL;
	/* Waits for writers. Mappings that may be written would go on writing. */
	down_write(&map->freeze);
	if (map->frozen || map->writable)
		err = -EBUSY;
	else
		WRITE_ONCE(map->frozen, true);
	up_write(&map->freeze);
	return err;
}
