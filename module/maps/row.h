/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what queue and stack share: values in a row, without keys */
#ifndef KPS_ROW_H
#define KPS_ROW_H

#include <linux/spinlock_types.h>

#include "map.h"

/**
 * struct kps_row - values in a row, from the oldest to the newest
 * @map: head
 * @newest_first: a stack; else a queue
 * @lock: by kps_lock(); protects all below
 * @first: place of the oldest value
 * @count: values, at most @map.max_entries
 * @values: places; the row goes on at the first one after the last
 */
struct kps_row {
	struct kps_map map;
	bool newest_first;
	raw_spinlock_t lock;
	u32 first;
	u32 count;
	void *values;
};

int kps_row_check(const struct kapsel_map_create *arg);
struct kps_map *kps_row_alloc(const struct kapsel_map_create *arg, bool newest_first);
void kps_row_free(struct kps_map *map);

/* See struct kps_map_ops. */
long kps_row_push(struct kps_map *map, const void *value, u64 flags);
u64 kps_row_push_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
long kps_row_pop(struct kps_map *map, void *value);
u64 kps_row_pop_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
long kps_row_peek(struct kps_map *map, void *value);
int kps_row_read(struct kps_map *map, const void *key, void *value);
int kps_row_write(struct kps_map *map, const void *key, const void *value,
		  u64 flags);
int kps_row_take(struct kps_map *map, const void *key, void *value);
long kps_row_remove(struct kps_map *map, const void *key);
int kps_row_next_key(struct kps_map *map, const void *key, void *next);
int kps_row_batch(struct kps_map *map, struct kps_batch *batch);
u32 kps_row_used(struct kps_map *map);

/* What both have in common of their struct kps_map_ops. */
#define KPS_ROW_OPS				\
	.check = kps_row_check,			\
	.free = kps_row_free,			\
	.push = kps_row_push,			\
	.push_body = kps_row_push_body,		\
	.pop = kps_row_pop,			\
	.pop_body = kps_row_pop_body,		\
	.peek = kps_row_peek,			\
	.remove = kps_row_remove,		\
	.read = kps_row_read,			\
	.write = kps_row_write,			\
	.take = kps_row_take,			\
	.next_key = kps_row_next_key,		\
	.batch = kps_row_batch,			\
	.used = kps_row_used

#endif
