// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - what queue and stack share: values in a row, without keys */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "guard.h"
#include "maps/area.h"
#include "maps/row.h"

static struct kps_row *row_of(struct kps_map *map)
{
	return container_of(map, struct kps_row, map);
}

int kps_row_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size || !arg->value_size || !arg->max_entries)
		return -EINVAL;
	/* Values are copied with interrupts off, and on the kernel's heap. */
	return arg->value_size > KMALLOC_MAX_SIZE ? -E2BIG : 0;
}

struct kps_map *kps_row_alloc(const struct kapsel_map_create *arg, bool newest_first)
{
	u64 size = (u64)arg->value_size * arg->max_entries;
	struct kps_row *row = kzalloc(sizeof(*row), GFP_KERNEL_ACCOUNT);

	if (!row)
		return ERR_PTR(-ENOMEM);
	row->values = kps_area_alloc(size);
	if (!row->values) {
		kfree(row);
		return ERR_PTR(-ENOMEM);
	}
	row->newest_first = newest_first;
	raw_spin_lock_init(&row->lock);
	row->map.user_size = arg->value_size;
	row->map.memory = sizeof(*row) + size;
	return &row->map;
}

void kps_row_free(struct kps_map *map)
{
	struct kps_row *row = row_of(map);

	kvfree(row->values);
	kfree(row);
}

/* The value of a rank, 0 being the oldest; one behind the newest is free. */
static void *place(const struct kps_row *row, u32 rank)
{
	u64 at = (u64)row->first + rank;

	if (at >= row->map.max_entries)
		at -= row->map.max_entries;
	return row->values + at * row->map.value_size;
}

/* The value that is popped after so many others. */
static void *nth(const struct kps_row *row, u32 n)
{
	return place(row, row->newest_first ? row->count - 1 - n : n);
}

/* kps_row_used() looks without the lock. */
static __always_inline void set_count(struct kps_row *row, u32 count)
{
	WRITE_ONCE(row->count, count);
}

static void drop_oldest(struct kps_row *row)
{
	if (++row->first == row->map.max_entries)
		row->first = 0;
	set_count(row, row->count - 1);
}

static __always_inline int push_locked(struct kps_row *row, const void *value, u64 flags)
{
	if (row->count == row->map.max_entries) {
		if (flags != BPF_EXIST)
			return -E2BIG;
		drop_oldest(row);
	}
	kps_copy_value(place(row, row->count), value, row->map.value_size);
	set_count(row, row->count + 1);
	return 0;
}

u64 kps_row_push_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_row *row = row_of((void *)(unsigned long)r1);
	const void *value = (void *)(unsigned long)r2;
	unsigned long irq;
	long err;

	if (r3 & ~(u64)BPF_EXIST)
		return -EINVAL;
	err = kps_lock(&row->lock, &irq);
	if (likely(!err)) {
		err = push_locked(row, value, r3);
		kps_unlock(&row->lock, irq);
	}
	if (unlikely(err))
		kps_map_lose(&row->map);
	return err;
}

long kps_row_push(struct kps_map *map, const void *value, u64 flags)
{
	return kps_row_push_body((unsigned long)map, (unsigned long)value, flags, 0, 0);
}

static __always_inline void take_locked(struct kps_row *row, void *value)
{
	kps_copy_value(value, nth(row, 0), row->map.value_size);
	if (row->newest_first)
		set_count(row, row->count - 1);
	else
		drop_oldest(row);
}

/* On an error the value is zeroed, so that nothing of the program's past is in it. */
static __always_inline long get(struct kps_row *row, void *value, bool remove)
{
	unsigned long irq;
	long err;

	err = kps_lock(&row->lock, &irq);
	if (likely(!err)) {
		if (!row->count)
			err = -ENOENT;
		else if (remove)
			take_locked(row, value);
		else
			kps_copy_value(value, nth(row, 0), row->map.value_size);
		kps_unlock(&row->lock, irq);
	} else {
		kps_map_lose(&row->map);
	}
	if (unlikely(err))
		memset(value, 0, row->map.value_size);
	return err;
}

u64 kps_row_pop_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return get(row_of((void *)(unsigned long)r1), (void *)(unsigned long)r2, true);
}

long kps_row_pop(struct kps_map *map, void *value)
{
	return get(row_of(map), value, true);
}

long kps_row_peek(struct kps_map *map, void *value)
{
	return get(row_of(map), value, false);
}

int kps_row_read(struct kps_map *map, const void *key, void *value)
{
	return kps_row_peek(map, value);
}

int kps_row_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	return kps_row_push(map, value, flags);
}

int kps_row_take(struct kps_map *map, const void *key, void *value)
{
	return kps_row_pop(map, value);
}

long kps_row_remove(struct kps_map *map, const void *key)
{
	return -EINVAL;
}

int kps_row_next_key(struct kps_map *map, const void *key, void *next)
{
	return -EINVAL;
}

/* What is pushed and popped between two calls moves the others. */
static int batch_one(struct kps_row *row, struct kps_batch *batch)
{
	void *to = batch->values + (u64)batch->n * row->map.value_size;
	u32 n = batch->take ? 0 : batch->cursor;
	unsigned long irq;
	int err = -ENOENT;

	if (kps_lock(&row->lock, &irq))
		return -EBUSY;
	if (n < row->count) {
		err = 0;
		if (batch->take)
			take_locked(row, to);
		else
			memcpy(to, nth(row, n), row->map.value_size);
		batch->n++;
		batch->cursor++;
	}
	kps_unlock(&row->lock, irq);
	return err;
}

int kps_row_batch(struct kps_map *map, struct kps_batch *batch)
{
	int err = 0;

	if (batch->cursor > map->max_entries)
		return -EINVAL;
	while (!err && batch->n < batch->room)
		err = batch_one(row_of(map), batch);
	return err;
}

u32 kps_row_used(struct kps_map *map)
{
	return READ_ONCE(row_of(map)->count);
}
