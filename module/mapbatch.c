// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the batch ioctl of maps */

#include <linux/align.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <uapi/linux/bpf.h>

#include "device.h"
#include "map.h"
#include "value.h"

/* Elements that go through kernel memory at a time: as many as fit in here. */
#define PORTION		(64 * 1024)

static u64 elem_size(const struct kps_map *map)
{
	return (u64)map->key_size + map->user_size;
}

static u32 portion(const struct kps_map *map, u32 most)
{
	return clamp_t(u64, PORTION / elem_size(map), 1, max(most, 1u));
}

/*
 * Room for @n elements, in one piece: values first, which want alignment. What
 * the caller says there is room for does not count here, only what there is.
 */
static int alloc_room(struct kps_batch *batch, const struct kps_map *map, u32 n)
{
	kvfree(batch->values);
	batch->values = NULL;
	if (n > INT_MAX / elem_size(map))
		return -ENOMEM;
	batch->values = kvzalloc(n * elem_size(map), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!batch->values)
		return -ENOMEM;
	batch->keys = batch->values + (size_t)n * map->user_size;
	batch->room = n;
	return 0;
}

static int deliver(const struct kps_batch *batch, const struct kps_map *map,
		   struct kapsel_map_batch *arg)
{
	void __user *keys = u64_to_user_ptr(arg->keys);
	void __user *values = u64_to_user_ptr(arg->values);
	u64 done = arg->count;

	if (copy_to_user(keys + done * map->key_size, batch->keys,
			 (size_t)batch->n * map->key_size) ||
	    copy_to_user(values + done * map->user_size, batch->values,
			 (size_t)batch->n * map->user_size))
		return -EFAULT;
	arg->count += batch->n;
	arg->cursor = batch->cursor;
	return 0;
}

static int collect(struct kps_map *map, struct kps_batch *batch, bool take)
{
	int err;

	batch->n = 0;
	if (!take)
		return map->ops->batch(map, batch);
	err = kps_map_write_begin(map);
	if (err)
		return err;
	err = map->ops->batch(map, batch);
	kps_map_write_end(map);
	return err;
}

/*
 * arg->count: elements delivered so far; @room: what the caller has room for.
 * Return: 0 go on, 1 enough, or -errno.
 */
static int read_portion(struct kps_map *map, struct kps_batch *batch,
			struct kapsel_map_batch *arg, u32 room)
{
	int err;

	batch->room = min(batch->room, room - arg->count);
	err = collect(map, batch, batch->take);
	if (err == -ENOSPC) {
		if (batch->n <= room - arg->count)
			return alloc_room(batch, map, batch->n);
		if (arg->count)
			return 1;
		arg->count = batch->n;
		return -ENOSPC;
	}
	if (err && err != -ENOENT)
		return err;
	arg->done = err == -ENOENT;
	err = deliver(batch, map, arg);
	return err ?: arg->done || arg->count == room;
}

static int read_batch(struct kps_map *map, struct kapsel_map_batch *arg)
{
	struct kps_batch batch = {
		.take = arg->op == KAPSEL_BATCH_LOOKUP_DELETE,
		.cursor = arg->cursor,
	};
	u32 room = arg->count;
	int err;

	if (!map->ops->batch || (batch.take && !map->ops->take))
		return -EOPNOTSUPP;
	if (kps_value_read_flags(map, arg->elem_flags))
		return -EINVAL;
	arg->done = 0;
	if (!room)
		return 0;
	arg->count = 0;
	err = alloc_room(&batch, map, portion(map, room));
	while (!err) {
		if (signal_pending(current))
			err = arg->count ? 1 : -EINTR;
		else
			err = read_portion(map, &batch, arg, room);
		cond_resched();
	}
	kvfree(batch.values);
	return err < 0 ? err : 0;
}

static int write_one(struct kps_map *map, const struct kapsel_map_batch *arg,
		     void *value, void *key)
{
	u64 done = arg->count;
	int err;

	if (copy_from_user(key, u64_to_user_ptr(arg->keys) + done * map->key_size,
			   map->key_size))
		return -EFAULT;
	if (arg->op == KAPSEL_BATCH_UPDATE &&
	    copy_from_user(value, u64_to_user_ptr(arg->values) +
			   done * map->user_size, map->user_size))
		return -EFAULT;
	err = kps_map_write_begin(map);
	if (err)
		return err;
	if (arg->op == KAPSEL_BATCH_UPDATE)
		err = map->ops->write(map, key, value, arg->elem_flags);
	else
		err = map->ops->remove(map, key);
	kps_map_write_end(map);
	return err;
}

/* Stops at the first that fails; count tells which. */
static int write_batch(struct kps_map *map, struct kapsel_map_batch *arg)
{
	u32 count = arg->count;
	void *value;
	int err = 0;

	if (arg->op == KAPSEL_BATCH_UPDATE ? !map->ops->write : !map->ops->remove)
		return -EOPNOTSUPP;
	if (arg->op == KAPSEL_BATCH_UPDATE ? kps_value_flags(map, arg->elem_flags) :
					     kps_value_read_flags(map, arg->elem_flags))
		return -EINVAL;
	value = kvzalloc(ALIGN(map->user_size, 8) + (u64)map->key_size,
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!value)
		return -ENOMEM;
	for (arg->count = 0; arg->count < count && !err; arg->count += !err) {
		err = signal_pending(current) ? -EINTR :
		      write_one(map, arg, value, value + ALIGN(map->user_size, 8));
		cond_resched();
	}
	kvfree(value);
	return err;
}

static int check_arg(const struct kps_map *map, const struct kapsel_map_batch *arg)
{
	if (arg->__reserved || arg->key_size != map->key_size)
		return -EINVAL;
	if (arg->op != KAPSEL_BATCH_DELETE && arg->value_size != map->user_size)
		return -EINVAL;
	return 0;
}

static bool may_do(u32 op, fmode_t mode)
{
	bool reads = op == KAPSEL_BATCH_LOOKUP || op == KAPSEL_BATCH_LOOKUP_DELETE;
	bool writes = op != KAPSEL_BATCH_LOOKUP;

	return (!reads || mode & FMODE_READ) && (!writes || mode & FMODE_WRITE);
}

int kps_map_batch(struct kps_call *call)
{
	struct kapsel_map_batch *arg = call->arg;
	struct kps_map *map = kps_map_of(call->obj);
	int err = may_do(arg->op, call->mode) ? check_arg(map, arg) : -EPERM;

	if (err)
		return err;
	switch (arg->op) {
	case KAPSEL_BATCH_LOOKUP:
	case KAPSEL_BATCH_LOOKUP_DELETE:
		return read_batch(map, arg);
	case KAPSEL_BATCH_UPDATE:
	case KAPSEL_BATCH_DELETE:
		return write_batch(map, arg);
	}
	return -EINVAL;
}
