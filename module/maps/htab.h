/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - hash tables with preallocated elements: what both types share */
#ifndef KPS_HTAB_H
#define KPS_HTAB_H

#include <linux/rculist.h>
#include <linux/rculist_nulls.h>
#include <linux/spinlock_types.h>

#include "map.h"

/**
 * struct kps_bucket - a chain of elements
 * @head: readers walk it without lock. It ends in the bucket's number, by which
 *	a reader notices that an element has moved elsewhere under its feet
 * @lock: by kps_lock(); protects the chain and its elements' keys
 */
struct kps_bucket {
	struct hlist_nulls_head head;
	raw_spinlock_t lock;
};

/**
 * struct kps_elem - an element, in a chain or in the free list
 * @node: in the chain; left alone in the free list, as readers may be there still
 * @next_free: in the free list
 * @hash: of the key
 * @linked: in a chain, after @hash says in which
 * @used: a program has found it, or it was replaced, since the hand came by
 * @key: and after it, at the next multiple of 8, the value: the value itself or
 *	a pointer to a per-CPU one
 */
struct kps_elem {
	struct hlist_nulls_node node;
	struct kps_elem *next_free;
	u32 hash;
	u8 linked;
	u8 used;
	u8 key[] __aligned(8);
};

/**
 * struct kps_htab - a hash table
 * @map: head
 * @percpu: values are per CPU
 * @lru: makes room for new elements, see htab_lru.c
 * @buckets: a power of two
 * @mask: their number less one
 * @seed: keeps users from choosing the chain
 * @elem_size: from one element to the next
 * @nr_elems: @map.max_entries, and a spare one for each CPU
 * @elems: all of them, for good
 * @count: elements in use, at most @map.max_entries
 * @free_lock: inside a bucket's lock; protects @free
 * @free: elements not in use
 * @spares: of each CPU, inside a bucket's lock: one more. An update puts the new
 *	element in before it takes the old one out, which is the next spare one. Not if
 *	values are per CPU, which stay where they are
 * @hand: counts on over @elems
 */
struct kps_htab {
	struct kps_map map;
	bool percpu;
	bool lru;
	struct kps_bucket *buckets;
	u32 mask;
	u32 seed;
	u32 elem_size;
	u64 nr_elems;
	void *elems;
	atomic_t count;
	raw_spinlock_t free_lock;
	struct kps_elem *free;
	struct kps_elem * __percpu *spares;
	atomic64_t hand;
};

static inline struct kps_htab *kps_htab_of(struct kps_map *map)
{
	return container_of(map, struct kps_htab, map);
}

int kps_htab_check(const struct kapsel_map_create *arg);
struct kps_map *kps_htab_alloc(const struct kapsel_map_create *arg, bool percpu,
			       bool lru);
void kps_htab_free(struct kps_map *map);

static inline struct kps_bucket *kps_htab_bucket(const struct kps_htab *htab,
						 u32 hash)
{
	return &htab->buckets[hash & htab->mask];
}

u32 kps_htab_hash(const struct kps_htab *htab, const void *key);

/* With the bucket's lock held. */
struct kps_elem *kps_htab_find_locked(struct kps_htab *htab, u32 hash,
				      const void *key);
void kps_htab_read_elem(struct kps_htab *htab, struct kps_elem *elem, void *value);
void kps_htab_remove_elem(struct kps_htab *htab, struct kps_elem *elem);

/** kps_htab_find - the element of a key, or NULL; inside an RCU reader */
struct kps_elem *kps_htab_find(struct kps_htab *htab, const void *key);

/** kps_htab_value - where an element's value is, or the pointer to it */
void *kps_htab_value(const struct kps_htab *htab, struct kps_elem *elem);

/** kps_htab_touch - a program has found an element, and may again */
static inline void kps_htab_touch(struct kps_elem *elem)
{
	if (elem && !READ_ONCE(elem->used))
		WRITE_ONCE(elem->used, 1);
}

/**
 * kps_htab_evict - take an element out that was not used for long
 *
 * With no lock held. Return: 0, with a free element unless others were faster, or
 * -EBUSY.
 */
int kps_htab_evict(struct kps_htab *htab);

/**
 * kps_htab_store - store a value
 * @whole: @value is one for each CPU, as in ioctls
 */
int kps_htab_store(struct kps_htab *htab, const void *key, const void *value,
		   u64 flags, bool whole);

/* See struct kps_map_ops. */
long kps_htab_update(struct kps_map *map, const void *key, const void *value, u64 flags);
u64 kps_htab_update_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
long kps_htab_remove(struct kps_map *map, const void *key);
int kps_htab_read(struct kps_map *map, const void *key, void *value);
int kps_htab_take(struct kps_map *map, const void *key, void *value);
int kps_htab_write(struct kps_map *map, const void *key, const void *value,
		   u64 flags);
int kps_htab_next_key(struct kps_map *map, const void *key, void *next);
int kps_htab_batch(struct kps_map *map, struct kps_batch *batch);
bool kps_htab_each(struct kps_map *map, struct kps_each *each);
u32 kps_htab_used(struct kps_map *map);

/* What all hash tables have in common of their struct kps_map_ops. */
#define KPS_HTAB_OPS				\
	.free = kps_htab_free,			\
	.update = kps_htab_update,		\
	.update_body = kps_htab_update_body,	\
	.remove = kps_htab_remove,		\
	.each = kps_htab_each,			\
	.read = kps_htab_read,			\
	.write = kps_htab_write,		\
	.take = kps_htab_take,			\
	.next_key = kps_htab_next_key,		\
	.batch = kps_htab_batch,		\
	.used = kps_htab_used

#endif
