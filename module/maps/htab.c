// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hash tables with preallocated elements: what happens in a bucket */

#include <linux/align.h>
#include <linux/jhash.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "guard.h"
#include "maps/area.h"
#include "maps/htab.h"
#include "value.h"

#define EVICTIONS	16	/* for one new element */

/*
 * Locking: all changes and all ioctls work under the bucket's lock, within which
 * the free list's may be taken. A CPU holds one bucket's lock at most (see
 * guard.h), which is also why one spare element for each CPU is enough, and nobody
 * else's. Programs
 * look up without a lock.
 */

/*
 * Most keys are a number. Where the size is constant, hashing and comparing them is
 * a few instructions and no call.
 */
static __always_inline u32 hash_of(const void *key, u32 size, u32 seed)
{
	u32 word[2];

	switch (size) {
	case 4:
		memcpy(word, key, 4);
		return jhash_1word(word[0], seed);
	case 8:
		memcpy(word, key, 8);
		return jhash_2words(word[0], word[1], seed);
	}
	return jhash(key, size, seed);
}

u32 kps_htab_hash(const struct kps_htab *htab, const void *key)
{
	return hash_of(key, htab->map.key_size, htab->seed);
}

void *kps_htab_value(const struct kps_htab *htab, struct kps_elem *elem)
{
	return elem->key + ALIGN(htab->map.key_size, 8);
}

static void __percpu *percpu_value(const struct kps_htab *htab,
				   struct kps_elem *elem)
{
	return *(void __percpu **)kps_htab_value(htab, elem);
}

/*
 * A reader without the lock may be at an element that is given to another key meanwhile.
 * A number it reads whole. Of a longer key it may see a part, and the rest of the one
 * before; but that is a third one only if its hash is one of theirs, too. What it finds
 * may be another key's a moment later anyway.
 */
static __always_inline bool matches(const struct kps_elem *elem, u32 hash, const void *key,
				    u32 size)
{
	if (size != 4 && size != 8 && READ_ONCE(elem->hash) != hash)
		return false;
	/* See above. */
	return !data_race(memcmp(elem->key, key, size));
}

/*
 * An element that is removed may be in another chain a moment later, and lead
 * its readers there: to another end, by which they see that they must begin
 * again. If it comes back to the same chain, it does so at the head, and they
 * only see some elements twice.
 */
static __always_inline struct kps_elem *find(struct kps_htab *htab, const void *key, u32 size)
{
	u32 hash = hash_of(key, size, htab->seed);
	struct kps_bucket *bucket = kps_htab_bucket(htab, hash);
	struct hlist_nulls_node *node;
	struct kps_elem *elem;

again:
	hlist_nulls_for_each_entry_rcu(elem, node, &bucket->head, node)
		if (matches(elem, hash, key, size))
			return elem;
	if (get_nulls_value(node) != (hash & htab->mask))
		goto again;
	return NULL;
}

/* By itself, so that the others need none of the registers that it saves. */
static noinline struct kps_elem *find_any(struct kps_htab *htab, const void *key)
{
	return find(htab, key, htab->map.key_size);
}

struct kps_elem *kps_htab_find(struct kps_htab *htab, const void *key)
{
	switch (htab->map.key_size) {
	case 4:
		return find(htab, key, 4);
	case 8:
		return find(htab, key, 8);
	}
	return find_any(htab, key);
}

static __always_inline struct kps_elem *find_locked(struct kps_htab *htab, u32 hash,
						    const void *key, u32 size)
{
	struct hlist_nulls_node *node;
	struct kps_elem *elem;

	hlist_nulls_for_each_entry(elem, node, &kps_htab_bucket(htab, hash)->head, node)
		if (matches(elem, hash, key, size))
			return elem;
	return NULL;
}

struct kps_elem *kps_htab_find_locked(struct kps_htab *htab, u32 hash,
				      const void *key)
{
	switch (htab->map.key_size) {
	case 4:
		return find_locked(htab, hash, key, 4);
	case 8:
		return find_locked(htab, hash, key, 8);
	}
	return find_locked(htab, hash, key, htab->map.key_size);
}

static struct kps_elem *pop_free(struct kps_htab *htab)
{
	struct kps_elem *elem;

	kps_lock_inner(&htab->free_lock);
	elem = htab->free;
	/* Whoever comes here was counted, and there are as many as may be. */
	if (!WARN_ON_ONCE(!elem))
		htab->free = elem->next_free;
	kps_unlock_inner(&htab->free_lock);
	return elem;
}

static void unlink_elem(struct kps_elem *elem)
{
	WRITE_ONCE(elem->linked, 0);
	hlist_nulls_del_rcu(&elem->node);
}

static void drop(struct kps_htab *htab, struct kps_elem *elem)
{
	unlink_elem(elem);
	kps_lock_inner(&htab->free_lock);
	elem->next_free = htab->free;
	htab->free = elem;
	kps_unlock_inner(&htab->free_lock);
}

void kps_htab_remove_elem(struct kps_htab *htab, struct kps_elem *elem)
{
	drop(htab, elem);
	/* Only now, so that an insertion which is let in finds an element. */
	atomic_dec(&htab->count);
}

/* A program's value for a new element is this CPU's; the others start at 0. */
static void set_percpu(void __percpu *to, const void *value, u32 size,
		       bool whole, bool is_new)
{
	int cpu;

	if (whole) {
		kps_percpu_write(to, value, size);
		return;
	}
	if (is_new)
		for_each_possible_cpu(cpu)
			memset(per_cpu_ptr(to, cpu), 0, size);
	kps_copy_value(this_cpu_ptr(to), value, size);
}

static void set_value(struct kps_htab *htab, struct kps_elem *elem,
		      const void *value, bool whole, bool is_new)
{
	u32 size = htab->map.value_size;

	if (htab->percpu)
		set_percpu(percpu_value(htab, elem), value, size, whole, is_new);
	else
		kps_value_store(&htab->map, kps_htab_value(htab, elem), value);
}

static void link_new(struct kps_htab *htab, struct kps_elem *elem, u32 hash,
		     const void *key)
{
	WRITE_ONCE(elem->hash, hash);
	kps_copy_value(elem->key, key, htab->map.key_size);
	/* After the hash: see kps_htab_evict(). */
	smp_store_release(&elem->linked, 1);
	hlist_nulls_add_head_rcu(&elem->node, &kps_htab_bucket(htab, hash)->head);
}

static int insert(struct kps_htab *htab, u32 hash, const void *key,
		  const void *value, bool whole)
{
	struct kps_elem *elem = NULL;

	if (atomic_inc_return(&htab->count) <= htab->map.max_entries)
		elem = pop_free(htab);
	if (!elem) {
		atomic_dec(&htab->count);
		return -E2BIG;
	}
	set_value(htab, elem, value, whole, true);
	WRITE_ONCE(elem->used, 0);
	link_new(htab, elem, hash, key);
	return 0;
}

/* Readers find the old value or the new one, whole. */
static void replace(struct kps_htab *htab, struct kps_elem *old, u32 hash,
		    const void *key, const void *value)
{
	struct kps_elem *elem = this_cpu_read(*htab->spares);

	set_value(htab, elem, value, false, true);
	WRITE_ONCE(elem->used, 1);
	link_new(htab, elem, hash, key);
	unlink_elem(old);
	this_cpu_write(*htab->spares, old);
}

static int store_locked(struct kps_htab *htab, u32 hash, const void *key,
			const void *value, u64 flags, bool whole)
{
	struct kps_elem *old = kps_htab_find_locked(htab, hash, key);

	if (old && flags & BPF_NOEXIST)
		return -EEXIST;
	if (!old && flags & BPF_EXIST)
		return -ENOENT;
	if (!old)
		return insert(htab, hash, key, value, whole);
	if (flags & BPF_F_LOCK) {
		kps_value_change(&htab->map, kps_htab_value(htab, old), value);
		return 0;
	}
	if (!htab->percpu) {
		replace(htab, old, hash, key, value);
		return 0;
	}
	set_value(htab, old, value, whole, false);
	kps_htab_touch(old);
	return 0;
}

static int try_store(struct kps_htab *htab, const void *key, const void *value,
		     u64 flags, bool whole)
{
	u32 hash = kps_htab_hash(htab, key);
	struct kps_bucket *bucket = kps_htab_bucket(htab, hash);
	unsigned long irq;
	int err;

	err = kps_lock(&bucket->lock, &irq);
	if (err)
		return err;
	err = store_locked(htab, hash, key, value, flags, whole);
	kps_unlock(&bucket->lock, irq);
	return err;
}

/* What is made room for may be taken by another CPU, but not for ever. */
static int store_for_sure(struct kps_htab *htab, const void *key, const void *value,
			  u64 flags, bool whole)
{
	int tries = EVICTIONS, err;

	do {
		err = try_store(htab, key, value, flags, whole);
		if (err != -E2BIG)
			return err;
		err = kps_htab_evict(htab);
	} while (!err && --tries);
	return err ?: -ENOMEM;
}

int kps_htab_store(struct kps_htab *htab, const void *key, const void *value,
		   u64 flags, bool whole)
{
	int err = kps_value_flags(&htab->map, flags);

	if (err)
		return err;
	if (htab->lru)
		err = store_for_sure(htab, key, value, flags, whole);
	else
		err = try_store(htab, key, value, flags, whole);
	if (err == -E2BIG || err == -EBUSY || err == -ENOMEM)
		kps_map_lose(&htab->map);
	return err;
}

void kps_htab_read_elem(struct kps_htab *htab, struct kps_elem *elem, void *value)
{
	u32 size = htab->map.value_size;

	if (htab->percpu)
		kps_percpu_read(value, percpu_value(htab, elem), size);
	else
		kps_value_load(&htab->map, value, kps_htab_value(htab, elem));
}

/* Reads the value if it is asked for, and removes the element if it is. */
static int get(struct kps_htab *htab, const void *key, void *value, bool remove)
{
	u32 hash = kps_htab_hash(htab, key);
	struct kps_bucket *bucket = kps_htab_bucket(htab, hash);
	struct kps_elem *elem;
	unsigned long irq;

	if (kps_lock(&bucket->lock, &irq))
		return -EBUSY;
	elem = kps_htab_find_locked(htab, hash, key);
	if (elem && value)
		kps_htab_read_elem(htab, elem, value);
	if (elem && remove)
		kps_htab_remove_elem(htab, elem);
	kps_unlock(&bucket->lock, irq);
	return elem ? 0 : -ENOENT;
}

long kps_htab_remove(struct kps_map *map, const void *key)
{
	int err = get(kps_htab_of(map), key, NULL, true);

	if (err == -EBUSY)
		kps_map_lose(map);
	return err;
}

int kps_htab_read(struct kps_map *map, const void *key, void *value)
{
	return get(kps_htab_of(map), key, value, false);
}

int kps_htab_take(struct kps_map *map, const void *key, void *value)
{
	return get(kps_htab_of(map), key, value, true);
}

long kps_htab_update(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	return kps_htab_store(kps_htab_of(map), key, value, flags, false);
}

u64 kps_htab_update_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_htab_store(kps_htab_of((void *)(unsigned long)r1), (void *)(unsigned long)r2,
			      (void *)(unsigned long)r3, r4, false);
}

int kps_htab_write(struct kps_map *map, const void *key, const void *value,
		   u64 flags)
{
	return kps_htab_store(kps_htab_of(map), key, value, flags, true);
}

u32 kps_htab_used(struct kps_map *map)
{
	/* An insertion that will be refused is counted for a moment. */
	return min_t(u32, atomic_read(&kps_htab_of(map)->count),
		     map->max_entries);
}
