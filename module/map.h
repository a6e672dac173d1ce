/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - maps: what all types have in common */
#ifndef KPS_MAP_H
#define KPS_MAP_H

#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/rwsem.h>

#include "mapops.h"
#include "object.h"
#include "reaper.h"
#include "core/host.h"
#include "core/proto.h"

struct kps_call;

/**
 * struct kps_map - the head of each map
 * @obj: head. Users are files and programs
 * @ops: of the type
 * @type: row of the table
 * @key_size: bytes
 * @value_size: bytes of one value
 * @max_entries: as created
 * @flags: BPF_F_*
 * @lock_size: of a value with a lock; 0: there is none
 * @lock_off: where in the value it is
 * @user_size: bytes of a value in ioctls: that of a per-CPU map has many parts
 * @frozen: never goes back; written under @freeze
 * @writable: mappings that userspace may write; under @freeze
 * @freeze: held for reading by each ioctl that writes to the map. Inside of
 *	mmap_lock, so nothing of the caller's is touched under it
 * @inner: of a map of maps: what those in it are like
 * @found: it was put into another map, where programs find it: it ends after those
 * @grave: when it does
 * @lost: updates and records refused for want of room, or of a lock
 * @memory: bytes
 * @btf: opaque, @btf_size bytes; constant
 */
struct kps_map {
	struct kps_object obj;
	const struct kps_map_ops *ops;
	const struct kps_map_type *type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 flags;
	u32 lock_size;
	u32 lock_off;
	u32 user_size;
	bool frozen;
	u32 writable;
	struct rw_semaphore freeze;
	struct kps_inner_facts inner;
	bool found;
	struct kps_grave grave;
	atomic64_t lost;
	u64 memory;
	void *btf;
	u32 btf_size;
	u32 btf_key_type_id;
	u32 btf_value_type_id;
};

/* kps_map_NAME_ops for each row, in one declaration. */
extern const struct kps_map_ops
#define KPS_MAP_TYPE(_type, _name, ...) kps_map_##_name##_ops,
#include "core/maptypes.tbl"
#undef KPS_MAP_TYPE
kps_map_none_ops;

extern const struct kps_kind kps_map_kind;

static inline struct kps_map *kps_map_of(struct kps_object *obj)
{
	return container_of(obj, struct kps_map, obj);
}

/** kps_map_by_fd - a reference, or ERR_PTR */
struct kps_map *kps_map_by_fd(u32 fd);

static inline void kps_map_put(struct kps_map *map)
{
	kps_object_put(&map->obj);
}

/** kps_map_lose - count something that there was no room for */
static inline void kps_map_lose(struct kps_map *map)
{
	atomic64_inc(&map->lost);
}

/** kps_map_write_begin - keep the map from freezing; 0, or -EPERM if it is */
int kps_map_write_begin(struct kps_map *map);
void kps_map_write_end(struct kps_map *map);

/* ioctls */
int kps_map_create(struct kps_call *call);
int kps_map_lookup(struct kps_call *call);
int kps_map_update(struct kps_call *call);
int kps_map_delete(struct kps_call *call);
int kps_map_next_key(struct kps_call *call);
int kps_map_lookup_delete(struct kps_call *call);
int kps_map_batch(struct kps_call *call);
int kps_map_freeze(struct kps_call *call);

#endif
