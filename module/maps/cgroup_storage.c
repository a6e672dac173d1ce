// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type cgroup storage: values of the root cgroup, which programs ask for */

#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "value.h"
#include "maps/cgroup_storage.h"

#define ROOT_CGROUP	1
#define MOST_BYTES	(U16_MAX - 128)		/* as in Linux */

/* ------------------------------------------------------------------------
 * Keys, of both types
 */
int kps_storage_check(const struct kapsel_map_create *arg, u32 most)
{
	if (arg->key_size != sizeof(struct bpf_cgroup_storage_key) &&
	    arg->key_size != sizeof(u64))
		return -EINVAL;
	if (!arg->value_size)
		return -EINVAL;
	if (arg->value_size > most)
		return -E2BIG;
	return arg->max_entries ? -EINVAL : 0;
}

int kps_storage_place(const struct kps_map *map, const void *key)
{
	const struct bpf_cgroup_storage_key *k = key;

	if (k->cgroup_inode_id != ROOT_CGROUP)
		return -ENOENT;
	if (map->key_size == sizeof(u64))
		return 0;
	if (k->attach_type >= KPS_STORAGE_PLACES)
		return -ENOENT;
	return array_index_nospec(k->attach_type, KPS_STORAGE_PLACES);
}

/* Its padding is zeroes. */
static void make_key(const struct kps_map *map, void *key, u32 place)
{
	const struct bpf_cgroup_storage_key k = {
		.cgroup_inode_id = ROOT_CGROUP, .attach_type = place,
	};

	memset(key, 0, map->key_size);
	memcpy(key, &k, map->key_size == sizeof(u64) ? sizeof(u64) :
						       offsetofend(typeof(k), attach_type));
}

long kps_storage_remove(struct kps_map *map, const void *key)
{
	return -EINVAL;
}

int kps_storage_next_key(struct kps_map *map, const void *key, void *next)
{
	int place = key ? kps_storage_place(map, key) : -1;

	if (key && place < 0)
		return place;
	if (++place == kps_storage_count(map->key_size))
		return -ENOENT;
	make_key(map, next, place);
	return 0;
}

/* Whole values: none of them goes. */
int kps_storage_batch(struct kps_map *map, struct kps_batch *batch)
{
	u32 count = kps_storage_count(map->key_size);

	if (batch->cursor > count)
		return -EINVAL;
	for (; batch->n < batch->room && batch->cursor < count; batch->n++, batch->cursor++) {
		struct bpf_cgroup_storage_key key = {};

		make_key(map, &key, batch->cursor);
		memcpy(batch->keys + (u64)batch->n * map->key_size, &key, map->key_size);
		map->ops->read(map, &key, batch->values + (u64)batch->n * map->user_size);
	}
	return batch->cursor == count ? -ENOENT : 0;
}

u32 kps_storage_used(struct kps_map *map)
{
	return kps_storage_count(map->key_size);
}

/* ------------------------------------------------------------------------
 * Values that all CPUs share
 */

/**
 * struct kps_stored - a value
 * @rcu: frees it when no program has it any more
 * @value: as programs see it
 */
struct kps_stored {
	struct rcu_head rcu;
	u8 value[] __aligned(8);
};

/**
 * struct kps_storage - a map
 * @map: head
 * @stored: values by place, each replaced as a whole; NULLs behind the last
 */
struct kps_storage {
	struct kps_map map;
	struct kps_stored __rcu *stored[KPS_STORAGE_PLACES];
};

static struct kps_storage *storage_of(struct kps_map *map)
{
	return container_of(map, struct kps_storage, map);
}

static size_t stored_size(u32 value_size)
{
	return sizeof(struct kps_stored) + ALIGN(value_size, 8);
}

static struct kps_stored *new_value(u32 value_size)
{
	return kvzalloc(stored_size(value_size), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

static int storage_check(const struct kapsel_map_create *arg)
{
	return kps_storage_check(arg, MOST_BYTES);
}

/* Nobody sees the values: they are not there yet, or no more. */
static void storage_free(struct kps_map *map)
{
	struct kps_storage *storage = storage_of(map);
	u32 i;

	for (i = 0; i < KPS_STORAGE_PLACES; i++)
		kvfree(rcu_dereference_protected(storage->stored[i], true));
	kfree(storage);
}

static struct kps_map *storage_alloc(const struct kapsel_map_create *arg)
{
	struct kps_storage *storage = kzalloc(sizeof(*storage), GFP_KERNEL_ACCOUNT);
	u32 i, count = kps_storage_count(arg->key_size);

	if (!storage)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		struct kps_stored *stored = new_value(arg->value_size);

		if (!stored) {
			storage_free(&storage->map);
			return ERR_PTR(-ENOMEM);
		}
		RCU_INIT_POINTER(storage->stored[i], stored);
	}
	storage->map.user_size = arg->value_size;
	storage->map.memory = sizeof(*storage) + count * stored_size(arg->value_size);
	return &storage->map;
}

/* A run is a reader: what it has found stays until it ends. No lockdep, as elsewhere in runs. */
static void *storage_local(struct kps_map *map, u32 direction)
{
	struct kps_storage *storage = storage_of(map);

	return rcu_dereference_raw_check(storage->stored[kps_storage_at(map, direction)])->value;
}

static int storage_read(struct kps_map *map, const void *key, void *value)
{
	int place = kps_storage_place(map, key);

	if (place < 0)
		return place;
	rcu_read_lock();
	kps_value_load(map, value, rcu_dereference(storage_of(map)->stored[place])->value);
	rcu_read_unlock();
	return 0;
}

static int change(struct kps_map *map, struct kps_stored __rcu **at, const void *value)
{
	rcu_read_lock();
	kps_value_change(map, rcu_dereference(*at)->value, value);
	rcu_read_unlock();
	return 0;
}

/* Its lock is nobody's. Who has the old one's goes on with that. */
static int replace(struct kps_map *map, struct kps_stored __rcu **at, const void *value)
{
	struct kps_stored *stored = new_value(map->value_size);

	if (!stored)
		return -ENOMEM;
	kps_value_store(map, stored->value, value);
	stored = unrcu_pointer(xchg(at, RCU_INITIALIZER(stored)));
	kvfree_rcu(stored, rcu);
	return 0;
}

static int storage_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	int place = kps_storage_place(map, key);
	struct kps_stored __rcu **at;

	if (flags & ~(u64)(BPF_EXIST | BPF_F_LOCK))
		return -EINVAL;
	if (place < 0)
		return place;
	at = &storage_of(map)->stored[place];
	return flags & BPF_F_LOCK ? change(map, at, value) : replace(map, at, value);
}

const struct kps_map_ops kps_map_cgroup_storage_ops = {
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
