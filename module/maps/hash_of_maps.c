// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type hash of maps */

#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"
#include "maps/inner.h"

#define MAX_KEY		512	/* bytes, as in hash tables */

/**
 * struct entry - an element. Only userspace makes and removes any, so they come from
 *	the allocator and go by RCU, and none is ever another's
 * @node: in its bucket
 * @rcu: frees it
 * @map: a reference; may be exchanged while programs look
 * @key: of it
 */
struct entry {
	struct hlist_node node;
	struct rcu_head rcu;
	struct kps_map *map;
	u8 key[];
};

/**
 * struct kps_map_hash - a hash of maps
 * @map: head
 * @lock: held to change anything below, and by ioctls that read
 * @count: of entries
 * @mask: number of buckets less one
 * @seed: keeps users from choosing the bucket
 * @buckets: programs walk them by RCU
 */
struct kps_map_hash {
	struct kps_map map;
	struct mutex lock;	/* see above */
	u32 count;
	u32 mask;
	u32 seed;
	struct hlist_head *buckets;
};

static struct kps_map_hash *hash_of(const struct kps_map *map)
{
	return container_of(map, struct kps_map_hash, map);
}

static int hash_check(const struct kapsel_map_create *arg)
{
	if (!arg->key_size || arg->value_size != sizeof(u32) || !arg->max_entries)
		return -EINVAL;
	return arg->key_size > MAX_KEY ? -E2BIG : 0;
}

static struct kps_map *hash_alloc(const struct kapsel_map_create *arg)
{
	struct kps_map_hash *hash = kzalloc(sizeof(*hash), GFP_KERNEL_ACCOUNT);
	u64 buckets = roundup_pow_of_two((u64)arg->max_entries);

	if (!hash)
		return ERR_PTR(-ENOMEM);
	hash->buckets = kps_area_alloc(buckets * sizeof(*hash->buckets));
	if (!hash->buckets) {
		kfree(hash);
		return ERR_PTR(-ENOMEM);
	}
	mutex_init(&hash->lock);
	hash->mask = buckets - 1;
	hash->seed = get_random_u32();
	hash->map.user_size = sizeof(u32);
	hash->map.memory = sizeof(*hash) + buckets * sizeof(*hash->buckets);
	return &hash->map;
}

/* Nobody runs any more who knows the hash; the maps in it look after themselves. */
static void hash_free(struct kps_map *map)
{
	struct kps_map_hash *hash = hash_of(map);
	struct hlist_node *next;
	struct entry *entry;
	u32 i;

	for (i = 0; hash->count && i <= hash->mask; i++) {
		hlist_for_each_entry_safe(entry, next, &hash->buckets[i], node) {
			kps_map_put(entry->map);
			kfree(entry);
		}
		cond_resched();
	}
	kvfree(hash->buckets);
	kfree(hash);
}

static struct hlist_head *bucket_of(struct kps_map_hash *hash, const void *key)
{
	return &hash->buckets[jhash(key, hash->map.key_size, hash->seed) & hash->mask];
}

/* In a program, or with the lock held. */
static struct entry *find(struct kps_map_hash *hash, const void *key)
{
	struct entry *entry;

	/* No lockdep, which may be what is probed. */
	hlist_for_each_entry_rcu_notrace(entry, bucket_of(hash, key), node)
		if (!memcmp(entry->key, key, hash->map.key_size))
			return entry;
	return NULL;
}

static void *hash_lookup(struct kps_map *map, const void *key)
{
	struct entry *entry = find(hash_of(map), key);

	return entry ? READ_ONCE(entry->map) : NULL;
}

static int add(struct kps_map_hash *hash, const void *key, struct kps_map *inner)
{
	struct entry *entry;

	lockdep_assert_held(&hash->lock);
	if (hash->count == hash->map.max_entries)
		return -E2BIG;
	entry = kmalloc(struct_size(entry, key, hash->map.key_size), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->key, key, hash->map.key_size);
	entry->map = inner;
	hlist_add_head_rcu(&entry->node, bucket_of(hash, key));
	WRITE_ONCE(hash->count, hash->count + 1);
	return 0;
}

/* Takes over the reference to @inner if it succeeds. */
static int store(struct kps_map_hash *hash, const void *key, struct kps_map *inner, u64 flags)
{
	struct entry *entry = find(hash, key);

	if (entry && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!entry && flags == BPF_EXIST)
		return -ENOENT;
	if (!entry)
		return add(hash, key, inner);
	kps_map_put(xchg(&entry->map, inner));
	return 0;
}

static int hash_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	struct kps_map_hash *hash = hash_of(map);
	struct kps_map *inner;
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	inner = kps_inner_get(map, value);
	if (IS_ERR(inner))
		return PTR_ERR(inner);
	mutex_lock(&hash->lock);
	err = store(hash, key, inner, flags);
	mutex_unlock(&hash->lock);
	if (err)
		kps_map_put(inner);
	return err;
}

static long hash_remove(struct kps_map *map, const void *key)
{
	struct kps_map_hash *hash = hash_of(map);
	struct entry *entry;

	mutex_lock(&hash->lock);
	entry = find(hash, key);
	if (entry) {
		hlist_del_rcu(&entry->node);
		WRITE_ONCE(hash->count, hash->count - 1);
	}
	mutex_unlock(&hash->lock);
	if (!entry)
		return -ENOENT;
	kps_map_put(entry->map);
	kfree_rcu(entry, rcu);
	return 0;
}

/* What userspace reads are ids. */
static int hash_read(struct kps_map *map, const void *key, void *value)
{
	struct kps_map_hash *hash = hash_of(map);
	const struct entry *entry;

	mutex_lock(&hash->lock);
	entry = find(hash, key);
	if (entry)
		*(u32 *)value = entry->map->obj.id;
	mutex_unlock(&hash->lock);
	return entry ? 0 : -ENOENT;
}

static const struct entry *first_from(const struct kps_map_hash *hash, u64 bucket)
{
	for (; bucket <= hash->mask; bucket++)
		if (!hlist_empty(&hash->buckets[bucket]))
			return hlist_entry(hash->buckets[bucket].first, struct entry, node);
	return NULL;
}

static const struct entry *entry_after(struct kps_map_hash *hash, const void *key)
{
	const struct entry *entry = key ? find(hash, key) : NULL;

	if (!entry)
		return first_from(hash, 0);
	if (entry->node.next)
		return hlist_entry(entry->node.next, struct entry, node);
	return first_from(hash, bucket_of(hash, key) - hash->buckets + 1);
}

static int hash_next_key(struct kps_map *map, const void *key, void *next)
{
	struct kps_map_hash *hash = hash_of(map);
	const struct entry *entry;

	mutex_lock(&hash->lock);
	entry = entry_after(hash, key);
	if (entry)
		memcpy(next, entry->key, map->key_size);
	mutex_unlock(&hash->lock);
	return entry ? 0 : -ENOENT;
}

static u32 length(const struct hlist_head *bucket)
{
	const struct entry *entry;
	u32 n = 0;

	hlist_for_each_entry(entry, bucket, node)
		n++;
	return n;
}

static void copy_bucket(const struct kps_map_hash *hash, struct kps_batch *batch)
{
	u32 key_size = hash->map.key_size;
	const struct entry *entry;

	hlist_for_each_entry(entry, &hash->buckets[batch->cursor], node) {
		memcpy(batch->keys + (u64)batch->n * key_size, entry->key, key_size);
		((u32 *)batch->values)[batch->n] = entry->map->obj.id;
		batch->n++;
	}
}

static int hash_batch(struct kps_map *map, struct kps_batch *batch)
{
	struct kps_map_hash *hash = hash_of(map);
	int err = 0;

	mutex_lock(&hash->lock);
	for (; batch->cursor <= hash->mask; batch->cursor++) {
		u32 n = length(&hash->buckets[batch->cursor]);

		if (n > batch->room - batch->n) {
			if (!batch->n) {
				batch->n = n;
				err = -ENOSPC;
			}
			break;
		}
		copy_bucket(hash, batch);
	}
	mutex_unlock(&hash->lock);
	return err ?: batch->cursor > hash->mask ? -ENOENT : 0;
}

static u32 hash_used(struct kps_map *map)
{
	return READ_ONCE(hash_of(map)->count);
}

const struct kps_map_ops kps_map_hash_of_maps_ops = {
	.check = hash_check,
	.alloc = hash_alloc,
	.free = hash_free,
	.lookup = hash_lookup,
	.remove = hash_remove,
	.read = hash_read,
	.write = hash_write,
	.next_key = hash_next_key,
	.batch = hash_batch,
	.used = hash_used,
};
