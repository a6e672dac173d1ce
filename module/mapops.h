/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - maps: what a type has to offer */
#ifndef KPS_MAPOPS_H
#define KPS_MAPOPS_H

#include <linux/poll.h>
#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/interp.h"
#include "core/rewrite.h"

struct kps_map;
struct vm_area_struct;

/**
 * struct kps_batch - elements on their way to userspace
 * @keys: @values: room for @room of them, in ioctl size
 * @n: how many there are; after -ENOSPC: how many the next part has
 * @room: how many fit
 * @cursor: where to go on
 * @take: remove them from the map
 */
struct kps_batch {
	void *keys;
	void *values;
	u32 n;
	u32 room;
	u64 cursor;
	bool take;
};

/**
 * struct kps_map_ops - a map type. What a type does not have is NULL
 * @check: the sizes and counts of a map to be created; 0 or -errno
 * @alloc: a new map, its head zeroed; sets what @check can't
 * @free: may sleep
 * @lookup: for programs, any context: the value's address, or NULL. Values live
 *	as long as the map; what they belong to may change meanwhile
 * @lookup_cpu: the same, of another CPU
 * @lookup_body: @update_body: @push_body: @pop_body: @lookup and so on as bodies of their
 *	helpers, which programs call without looking up the type
 * @view: where an array's values are
 * @update: for programs, any context; also for ioctls, unless there is @write
 * @remove: for all
 * @each: for programs, any context: find the next element, if there is one more. What
 *	comes and goes meanwhile may be found, or not
 * @push: for programs, any context: a value without a key
 * @pop: for programs, any context: take a value out; zeroes on error
 * @peek: the same without taking it out; a type without @pop is asked for the value
 * @local: for programs of packets: the value of a direction, enum bpf_attach_type; it
 *	lasts as long as the run
 * @read: for ioctls: the whole value, @user_size bytes
 * @asks: @read is asked for the value it gets, and gives none
 * @write: for ioctls: the whole value
 * @take: for ioctls: read and remove
 * @next_key: the key after @key, the first one for NULL or an unknown one
 * @batch: fill a batch, whole parts (buckets) only. -ENOSPC: not even the next
 *	part fits; -ENOENT: that was the last
 * @direct: the address of the first value
 * @mmap: like file_operations
 * @poll: like file_operations
 * @orphan: nobody in userspace has the map any more; see struct kps_kind
 * @used: elements, or bytes of a ring buffer
 */
struct kps_map_ops {
	int (*check)(const struct kapsel_map_create *arg);
	struct kps_map *(*alloc)(const struct kapsel_map_create *arg);
	void (*free)(struct kps_map *map);
	void *(*lookup)(struct kps_map *map, const void *key);
	void *(*lookup_cpu)(struct kps_map *map, const void *key, u32 cpu);
	kps_helper_fn lookup_body;
	kps_helper_fn update_body;
	kps_helper_fn push_body;
	kps_helper_fn pop_body;
	const struct kps_view *(*view)(struct kps_map *map);
	long (*update)(struct kps_map *map, const void *key, const void *value,
		       u64 flags);
	long (*remove)(struct kps_map *map, const void *key);
	bool (*each)(struct kps_map *map, struct kps_each *each);
	long (*push)(struct kps_map *map, const void *value, u64 flags);
	long (*pop)(struct kps_map *map, void *value);
	long (*peek)(struct kps_map *map, void *value);
	void *(*local)(struct kps_map *map, u32 direction);
	int (*read)(struct kps_map *map, const void *key, void *value);
	bool asks;
	int (*write)(struct kps_map *map, const void *key, const void *value,
		     u64 flags);
	int (*take)(struct kps_map *map, const void *key, void *value);
	int (*next_key)(struct kps_map *map, const void *key, void *next);
	int (*batch)(struct kps_map *map, struct kps_batch *batch);
	void *(*direct)(struct kps_map *map);
	int (*mmap)(struct kps_map *map, struct vm_area_struct *vma);
	__poll_t (*poll)(struct kps_map *map, struct file *file,
			 struct poll_table_struct *table);
	void (*orphan)(struct kps_map *map);
	u32 (*used)(struct kps_map *map);
};

#endif
