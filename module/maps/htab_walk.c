// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hash tables: walking through them */

#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "guard.h"
#include "maps/htab.h"

/* The key after @elem's in its bucket, or the bucket's first one for NULL. */
static bool copy_key_after(const struct kps_htab *htab,
			   const struct kps_bucket *bucket,
			   const struct kps_elem *elem, void *next)
{
	struct hlist_nulls_node *node;

	node = elem ? elem->node.next : bucket->head.first;
	if (is_a_nulls(node))
		return false;
	elem = hlist_nulls_entry(node, struct kps_elem, node);
	memcpy(next, elem->key, htab->map.key_size);
	return true;
}

/*
 * Return: 1 with the next key of the same bucket, 0 if there is none, -ENOENT if
 * @key is not there.
 */
static int next_in_bucket(struct kps_htab *htab, u32 hash, const void *key,
			  void *next)
{
	struct kps_bucket *bucket = kps_htab_bucket(htab, hash);
	struct kps_elem *elem;
	unsigned long irq;
	int ret = -ENOENT;

	if (kps_lock(&bucket->lock, &irq))
		return -EBUSY;
	elem = kps_htab_find_locked(htab, hash, key);
	if (elem)
		ret = copy_key_after(htab, bucket, elem, next);
	kps_unlock(&bucket->lock, irq);
	return ret;
}

/* Return: 1 with the bucket's first key, 0 if there is none, or -errno. */
static int first_in_bucket(struct kps_htab *htab, struct kps_bucket *bucket,
			   void *next)
{
	unsigned long irq;
	bool found;

	if (hlist_nulls_empty(&bucket->head))
		return 0;
	if (kps_lock(&bucket->lock, &irq))
		return -EBUSY;
	found = copy_key_after(htab, bucket, NULL, next);
	kps_unlock(&bucket->lock, irq);
	return found;
}

static int first_from(struct kps_htab *htab, u32 index, void *next)
{
	int ret;

	for (; index <= htab->mask; index++) {
		ret = first_in_bucket(htab, &htab->buckets[index], next);
		if (ret)
			return ret < 0 ? ret : 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return -ENOENT;
}

int kps_htab_next_key(struct kps_map *map, const void *key, void *next)
{
	struct kps_htab *htab = kps_htab_of(map);
	u32 hash;
	int ret;

	if (!key)
		return first_from(htab, 0, next);
	hash = kps_htab_hash(htab, key);
	ret = next_in_bucket(htab, hash, key, next);
	if (ret == -ENOENT)
		return first_from(htab, 0, next);
	if (ret)
		return ret < 0 ? ret : 0;
	return first_from(htab, (hash & htab->mask) + 1, next);
}

static u32 count_bucket(const struct kps_bucket *bucket)
{
	struct hlist_nulls_node *node;
	u32 n = 0;

	for (node = bucket->head.first; !is_a_nulls(node); node = node->next)
		n++;
	return n;
}

static void copy_elem(struct kps_htab *htab, struct kps_elem *elem,
		      struct kps_batch *batch)
{
	u32 key_size = htab->map.key_size;
	u64 n = batch->n++;

	memcpy(batch->keys + n * key_size, elem->key, key_size);
	kps_htab_read_elem(htab, elem, batch->values + n * htab->map.user_size);
	if (batch->take)
		kps_htab_remove_elem(htab, elem);
}

static void copy_bucket(struct kps_htab *htab, struct kps_bucket *bucket,
			struct kps_batch *batch)
{
	struct hlist_nulls_node *node, *next;

	for (node = bucket->head.first; !is_a_nulls(node); node = next) {
		next = node->next;
		copy_elem(htab, hlist_nulls_entry(node, struct kps_elem, node),
			  batch);
	}
}

/*
 * All of a bucket under one lock, so that what moves within it is neither missed
 * nor seen twice. Return: 0, or how many elements do not fit, or -errno.
 */
static int batch_bucket(struct kps_htab *htab, struct kps_bucket *bucket,
			struct kps_batch *batch)
{
	unsigned long irq;
	u32 n;

	if (hlist_nulls_empty(&bucket->head))
		return 0;
	if (kps_lock(&bucket->lock, &irq))
		return -EBUSY;
	n = count_bucket(bucket);
	if (n <= batch->room - batch->n) {
		copy_bucket(htab, bucket, batch);
		n = 0;
	}
	kps_unlock(&bucket->lock, irq);
	return n;
}

int kps_htab_batch(struct kps_map *map, struct kps_batch *batch)
{
	struct kps_htab *htab = kps_htab_of(map);
	int ret;

	if (batch->cursor > (u64)htab->mask + 1)
		return -EINVAL;
	for (; batch->cursor <= htab->mask; batch->cursor++) {
		ret = batch_bucket(htab, &htab->buckets[batch->cursor], batch);
		if (ret < 0)
			return ret;
		if (ret && batch->n)
			return 0;
		if (ret) {
			batch->n = ret;
			return -ENOSPC;
		}
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return batch->cursor > htab->mask ? -ENOENT : 0;
}

/* An element's value as a program has it; programs run with preemption off. */
static u64 value_here(const struct kps_htab *htab, struct kps_elem *elem)
{
	void *value = kps_htab_value(htab, elem);

	if (htab->percpu)
		value = this_cpu_ptr(*(void __percpu **)value);
	return (unsigned long)value;
}

/*
 * For programs: without locks, which a callback may want. The next node is read before
 * the callback runs, which may remove the element. A node that was removed and is in
 * another chain by now leads there, and to what is found twice, or not at all; that
 * ends, since the caller counts.
 */
bool kps_htab_each(struct kps_map *map, struct kps_each *each)
{
	struct kps_htab *htab = kps_htab_of(map);
	struct hlist_nulls_node *node = (void *)(unsigned long)each->link;
	struct kps_elem *elem;

	while (!node || is_a_nulls(node)) {
		if (each->at > htab->mask)
			return false;
		node = rcu_dereference_raw(hlist_nulls_first_rcu(&htab->buckets[each->at++].head));
	}
	elem = hlist_nulls_entry(node, struct kps_elem, node);
	each->link = (unsigned long)READ_ONCE(node->next);
	each->key = (unsigned long)elem->key;
	each->value = value_here(htab, elem);
	return true;
}
