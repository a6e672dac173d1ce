// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type LPM trie: values by the longest prefix of a key */

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "guard.h"
#include "map.h"
#include "maps/area.h"

#define MAX_DATA	256
#define MAX_ENTRIES	BIT(29)	/* so that nodes count in 31 bits */
#define RETRIES		8

/**
 * struct prefix - as programs write it: struct bpf_lpm_trie_key
 * @len: bits of @data that count
 * @data: most significant bit first
 */
struct prefix {
	u32 len;
	u8 data[];
};

/**
 * struct node - a prefix, in the trie or in the free list
 * @child: longer prefixes, by the bit behind this one
 * @next_free: in the free list
 * @value: its @data; NULL: the node only keeps two others apart
 * @key: its prefix; what is behind @key.len is of no meaning
 */
struct node {
	struct node __rcu *child[2];
	struct node *next_free;
	void *value;
	struct prefix key;
};

/**
 * struct value - a value, of a node or in the free list
 * @next_free: in the free list; not in @data, which programs may write still
 * @data: what programs see
 */
struct value {
	struct value *next_free;
	u8 data[] __aligned(8);
};

/**
 * struct kps_trie - an LPM trie
 * @map: head
 * @root: the shortest prefix
 * @lock: by kps_lock(); protects all below, and who changes the trie
 * @taken: nodes taken from the free list so far: readers that see it change may
 *	have been led astray by one that was put in elsewhere, and begin again
 * @nodes: two for each entry, for good: those with values, and fewer between
 * @node_size: from one to the next
 * @values: one for each entry and a spare one, for good: an update puts the new
 *	one in before it takes the old one out
 * @count: entries
 * @free: nodes not in use
 * @free_value: values not in use
 */
struct kps_trie {
	struct kps_map map;
	struct node __rcu *root;
	raw_spinlock_t lock;
	u32 taken;
	void *nodes;
	u32 node_size;
	void *values;
	u32 count;
	struct node *free;
	struct value *free_value;
};

static struct kps_trie *trie_of(struct kps_map *map)
{
	return container_of(map, struct kps_trie, map);
}

static u32 data_size(const struct kps_trie *trie)
{
	return trie->map.key_size - sizeof(struct prefix);
}

/* ------------------------------------------------------------------------
 * Memory
 */
static int lpm_trie_check(const struct kapsel_map_create *arg)
{
	/* Linux wants the flag, as its nodes come one by one; here it means nothing. */
	if (!(arg->map_flags & BPF_F_NO_PREALLOC) || !arg->max_entries ||
	    arg->key_size <= sizeof(struct prefix) ||
	    arg->key_size > sizeof(struct prefix) + MAX_DATA || !arg->value_size ||
	    arg->value_size > KMALLOC_MAX_SIZE / 2)
		return -EINVAL;
	return arg->max_entries > MAX_ENTRIES ? -E2BIG : 0;
}

static u32 value_stride(const struct kapsel_map_create *arg)
{
	return sizeof(struct value) + ALIGN(arg->value_size, 8);
}

static u64 nr_nodes(u32 max_entries)
{
	return 2 * (u64)max_entries;
}

static struct node *node_at(const struct kps_trie *trie, u64 index)
{
	return trie->nodes + index * trie->node_size;
}

static void free_node(struct kps_trie *trie, struct node *node)
{
	node->next_free = trie->free;
	trie->free = node;
}

static void free_value(struct kps_trie *trie, struct value *value)
{
	value->next_free = trie->free_value;
	trie->free_value = value;
}

static int alloc_nodes(struct kps_trie *trie, const struct kapsel_map_create *arg)
{
	u64 i;

	trie->nodes = kps_area_alloc(nr_nodes(arg->max_entries) * trie->node_size);
	if (!trie->nodes)
		return -ENOMEM;
	for (i = nr_nodes(arg->max_entries); i--;) {
		free_node(trie, node_at(trie, i));
		cond_resched();
	}
	return 0;
}

static int alloc_values(struct kps_trie *trie, const struct kapsel_map_create *arg)
{
	u64 i, n = (u64)arg->max_entries + 1;

	trie->values = kps_area_alloc(n * value_stride(arg));
	if (!trie->values)
		return -ENOMEM;
	for (i = n; i--;) {
		free_value(trie, trie->values + i * value_stride(arg));
		cond_resched();
	}
	return 0;
}

static void lpm_trie_free(struct kps_map *map)
{
	struct kps_trie *trie = trie_of(map);

	kvfree(trie->values);
	kvfree(trie->nodes);
	kfree(trie);
}

static struct kps_map *lpm_trie_alloc(const struct kapsel_map_create *arg)
{
	struct kps_trie *trie = kzalloc(sizeof(*trie), GFP_KERNEL_ACCOUNT);

	if (!trie)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&trie->lock);
	trie->node_size = ALIGN(offsetof(struct node, key) + arg->key_size, 8);
	if (alloc_nodes(trie, arg) || alloc_values(trie, arg)) {
		lpm_trie_free(&trie->map);
		return ERR_PTR(-ENOMEM);
	}
	trie->map.user_size = arg->value_size;
	trie->map.memory = sizeof(*trie) + nr_nodes(arg->max_entries) * trie->node_size +
			   ((u64)arg->max_entries + 1) * value_stride(arg);
	return &trie->map;
}

/* ------------------------------------------------------------------------
 * Prefixes
 */
static u32 bit_at(const struct prefix *key, u32 n)
{
	return key->data[n / 8] >> (7 - n % 8) & 1;
}

static __always_inline u32 word_at(const struct prefix *key, u32 byte)
{
	__be32 word;

	memcpy(&word, key->data + byte, sizeof(word));
	return be32_to_cpu(word);
}

/*
 * How many of the first @most bits two keys of @size bytes have in common at their
 * beginning.
 */
static __always_inline u32 same_bits(const struct prefix *a, const struct prefix *b, u32 most,
				     u32 size)
{
	u32 i = 0, diff;

	for (; i * 8 < most && i + 4 <= size; i += 4) {
		diff = word_at(a, i) ^ word_at(b, i);
		if (diff)
			return min_t(u32, most, i * 8 + 32 - fls(diff));
	}
	for (; i * 8 < most; i++) {
		diff = a->data[i] ^ b->data[i];
		if (diff)
			return min_t(u32, most, i * 8 + 8 - fls(diff));
	}
	return most;
}

static u32 common_bits(const struct kps_trie *trie, const struct prefix *a,
		       const struct prefix *b)
{
	return same_bits(a, b, min(a->len, b->len), data_size(trie));
}

/* Do the first @len bits of a key of @size bytes agree with a node's? */
static __always_inline bool begins_with(const struct prefix *key, const struct node *node,
					u32 len, u32 size)
{
	if (size == 4)
		return !((u64)(word_at(&node->key, 0) ^ word_at(key, 0)) << len >> 32);
	return same_bits(&node->key, key, len, size) == len;
}

static bool is_too_long(const struct kps_trie *trie, u32 len)
{
	return len > data_size(trie) * 8;
}

/**
 * struct key_copy - a key of its own, as long as one can be
 * @prefix: its beginning
 * @data: the rest
 */
struct key_copy {
	struct prefix prefix;
	u8 data[MAX_DATA];
};

/*
 * A program's key may lie where others write, userspace included, while the trie is
 * changed by it. Return: false: it is too long.
 */
static bool copy_key(const struct kps_trie *trie, const void *from, struct key_copy *key)
{
	kps_copy_value(key, from, trie->map.key_size);
	return !is_too_long(trie, key->prefix.len);
}

/* ------------------------------------------------------------------------
 * Looking up
 */

/*
 * A node that another CPU takes out and puts in elsewhere leads to other prefixes;
 * they are no shorter, so that the walk ends, but its result may be wrong. What
 * was found is as good as in a hash: once its entry is replaced or removed, the
 * value may become another entry's.
 */
static __always_inline void *walk_sized(const struct kps_trie *trie, const struct prefix *key,
					u32 key_len, u32 size)
{
	u32 len = 0, steps = size * 8 + 1, next;
	const struct node *node = rcu_dereference_raw(trie->root);
	void *found = NULL, *value;

	for (; node && steps--; node = rcu_dereference_raw(node->child[next])) {
		len = READ_ONCE(node->key.len);
		/* A node that is written to meanwhile was taken: the caller looks for that. */
		if (len > key_len || !data_race(begins_with(key, node, len, size)))
			break;
		value = READ_ONCE(node->value);
		if (value)
			found = value;
		if (len == key_len)
			break;
		/* Of a key that others write to, either bit. */
		next = data_race(bit_at(key, len));
	}
	return found;
}

/* @key_len: of the key, which is not to be read again: others may write to it. */
static void *walk(const struct kps_trie *trie, const struct prefix *key, u32 key_len)
{
	/* Of IPv4: comparing is a few instructions. */
	if (data_size(trie) == 4)
		return walk_sized(trie, key, key_len, 4);
	return walk_sized(trie, key, key_len, data_size(trie));
}

/* The holder of the lock, if it is this CPU's, stands still meanwhile. */
static void *walk_locked(struct kps_trie *trie, const struct prefix *key, u32 key_len)
{
	unsigned long irq;
	void *value;

	if (kps_lock(&trie->lock, &irq)) {
		kps_map_lose(&trie->map);
		return NULL;
	}
	value = walk(trie, key, key_len);
	kps_unlock(&trie->lock, irq);
	return value;
}

static void *lpm_trie_lookup(struct kps_map *map, const void *k)
{
	struct kps_trie *trie = trie_of(map);
	const struct prefix *key = k;
	u32 key_len = READ_ONCE(key->len), taken, tries = RETRIES;
	void *value;

	if (is_too_long(trie, key_len))
		return NULL;
	while (tries--) {
		taken = READ_ONCE(trie->taken);
		/* Around the walk: take_node() counts before the node is written. */
		smp_rmb();
		value = walk(trie, key, key_len);
		/* The other half. */
		smp_rmb();
		if (READ_ONCE(trie->taken) == taken)
			return value;
	}
	return walk_locked(trie, key, key_len);
}

static u64 lpm_trie_lookup_body(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return (unsigned long)lpm_trie_lookup((void *)(unsigned long)r1, (void *)(unsigned long)r2);
}

/* ------------------------------------------------------------------------
 * Changes, all with the lock held
 */
/* The lock is held; lockdep does not see so in an NMI. */
static struct node *deref(struct node __rcu **slot)
{
	return rcu_dereference_protected(*slot, true);
}

/* There are as many as there can ever be in the trie. */
static struct node *take_node(struct kps_trie *trie)
{
	struct node *node = trie->free;

	trie->free = node->next_free;
	WRITE_ONCE(trie->taken, trie->taken + 1);
	/* Whoever sees what is written to it now sees that it was taken. */
	smp_wmb();
	return node;
}

static void *take_value(struct kps_trie *trie, const void *from)
{
	struct value *value = trie->free_value;

	trie->free_value = value->next_free;
	kps_copy_value(value->data, from, trie->map.value_size);
	return value->data;
}

static struct node *new_node(struct kps_trie *trie, const struct prefix *key, u32 len,
			     void *value)
{
	struct node *node = take_node(trie);

	RCU_INIT_POINTER(node->child[0], NULL);
	RCU_INIT_POINTER(node->child[1], NULL);
	WRITE_ONCE(node->value, value);
	memcpy(node->key.data, key->data, data_size(trie));
	WRITE_ONCE(node->key.len, len);
	return node;
}

/**
 * struct spot - where a key is, or would be put in
 * @slot: points to @node
 * @node: the first one that is not a prefix of the key, or is the key; or NULL
 * @parent: of @node, or NULL
 * @parent_slot: points to @parent
 * @common: bits that @node and the key share
 */
struct spot {
	struct node __rcu **slot;
	struct node *node;
	struct node *parent;
	struct node __rcu **parent_slot;
	u32 common;
};

static void descend(struct kps_trie *trie, const struct prefix *key, struct spot *spot)
{
	*spot = (struct spot){ .slot = &trie->root };
	while ((spot->node = deref(spot->slot))) {
		spot->common = common_bits(trie, &spot->node->key, key);
		if (spot->common < spot->node->key.len || spot->common == key->len)
			return;
		spot->parent = spot->node;
		spot->parent_slot = spot->slot;
		spot->slot = &spot->node->child[bit_at(key, spot->common)];
	}
}

static bool is_exact(const struct spot *spot, const struct prefix *key)
{
	return spot->node && spot->common == key->len && spot->node->key.len == key->len;
}

static void insert(struct kps_trie *trie, const struct spot *spot, const struct prefix *key,
		   void *value)
{
	struct node *node = spot->node, *new, *fork;

	if (is_exact(spot, key)) {
		/* The prefix is the same; what is behind it comes back from next_key. */
		memcpy(node->key.data, key->data, data_size(trie));
		/* Readers find the whole value. */
		smp_store_release(&node->value, value);
		return;
	}
	new = new_node(trie, key, key->len, value);
	if (node && spot->common == key->len) {
		RCU_INIT_POINTER(new->child[bit_at(&node->key, key->len)], node);
	} else if (node) {
		fork = new_node(trie, key, spot->common, NULL);
		RCU_INIT_POINTER(fork->child[bit_at(key, spot->common)], new);
		RCU_INIT_POINTER(fork->child[!bit_at(key, spot->common)], node);
		new = fork;
	}
	rcu_assign_pointer(*spot->slot, new);
}

static void drop_value(struct kps_trie *trie, void *data)
{
	free_value(trie, container_of(data, struct value, data));
}

static int update_locked(struct kps_trie *trie, const struct prefix *key, const void *value,
			 u64 flags)
{
	struct spot spot;
	void *old = NULL;

	descend(trie, key, &spot);
	if (is_exact(&spot, key))
		old = spot.node->value;
	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!old && flags == BPF_EXIST)
		return -ENOENT;
	if (!old && trie->count == trie->map.max_entries)
		return -ENOSPC;
	insert(trie, &spot, key, take_value(trie, value));
	if (old)
		drop_value(trie, old);
	else
		WRITE_ONCE(trie->count, trie->count + 1);
	return 0;
}

static long lpm_trie_update(struct kps_map *map, const void *key, const void *value,
			    u64 flags)
{
	struct kps_trie *trie = trie_of(map);
	unsigned long irq;
	struct key_copy copy;
	int err;

	if (flags > BPF_EXIST || !copy_key(trie, key, &copy))
		return -EINVAL;
	err = kps_lock(&trie->lock, &irq);
	if (!err) {
		err = update_locked(trie, &copy.prefix, value, flags);
		kps_unlock(&trie->lock, irq);
	}
	if (err == -ENOSPC || err == -EBUSY)
		kps_map_lose(map);
	return err;
}

/* A node without a value has two children: with one, the child takes its place. */
static void take_out(struct kps_trie *trie, const struct spot *spot)
{
	struct node *node = spot->node, *parent = spot->parent;
	struct node *left = deref(&node->child[0]), *right = deref(&node->child[1]);

	if (left && right)
		return;
	if (!left && !right && parent && !parent->value) {
		left = deref(&parent->child[0]);
		right = deref(&parent->child[1]);
		rcu_assign_pointer(*spot->parent_slot, left == node ? right : left);
		free_node(trie, parent);
	} else {
		rcu_assign_pointer(*spot->slot, left ?: right);
	}
	free_node(trie, node);
}

static int remove_locked(struct kps_trie *trie, const struct prefix *key)
{
	struct spot spot;
	void *value;

	descend(trie, key, &spot);
	if (!is_exact(&spot, key) || !spot.node->value)
		return -ENOENT;
	value = spot.node->value;
	WRITE_ONCE(spot.node->value, NULL);
	take_out(trie, &spot);
	drop_value(trie, value);
	WRITE_ONCE(trie->count, trie->count - 1);
	return 0;
}

static long lpm_trie_remove(struct kps_map *map, const void *key)
{
	struct kps_trie *trie = trie_of(map);
	unsigned long irq;
	struct key_copy copy;
	int err;

	if (!copy_key(trie, key, &copy))
		return -EINVAL;
	err = kps_lock(&trie->lock, &irq);
	if (!err) {
		err = remove_locked(trie, &copy.prefix);
		kps_unlock(&trie->lock, irq);
	} else {
		kps_map_lose(map);
	}
	return err;
}

/* ------------------------------------------------------------------------
 * Ioctls
 */
static int lpm_trie_read(struct kps_map *map, const void *key, void *value)
{
	struct kps_trie *trie = trie_of(map);
	const void *found = NULL;
	unsigned long irq;

	if (is_too_long(trie, ((const struct prefix *)key)->len))
		return -ENOENT;
	if (kps_lock(&trie->lock, &irq))
		return -EBUSY;
	found = walk(trie, key, ((const struct prefix *)key)->len);
	if (found)
		memcpy(value, found, map->value_size);
	kps_unlock(&trie->lock, irq);
	return found ? 0 : -ENOENT;
}

static int lpm_trie_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	return lpm_trie_update(map, key, value, flags);
}

/* Longer prefixes come before shorter ones, and 0 before 1. */
static struct node *first_below(struct node *node)
{
	struct node *last = NULL;

	while (node) {
		last = node;
		node = deref(&last->child[0]) ?: deref(&last->child[1]);
	}
	return last;
}

/*
 * The one after @key's: of those that the way to it turned off from, the nearest
 * that has something to its right, or has a value of its own.
 */
static struct node *next_locked(struct kps_trie *trie, const struct prefix *key)
{
	struct node *node, *child, *next = NULL;
	struct node __rcu **slot = &trie->root;
	bool below = false;

	for (node = deref(slot); node; node = child) {
		u32 common = common_bits(trie, &node->key, key);

		if (common < node->key.len)
			break;
		if (common == key->len)
			goto found;
		slot = &node->child[bit_at(key, common)];
		child = deref(slot);
		if (slot == &node->child[0] && deref(&node->child[1])) {
			next = deref(&node->child[1]);
			below = true;
		} else if (node->value) {
			next = node;
			below = false;
		}
	}
	return first_below(deref(&trie->root));
found:
	if (!node->value)
		return first_below(deref(&trie->root));
	return below ? first_below(next) : next;
}

static int lpm_trie_next_key(struct kps_map *map, const void *key, void *next)
{
	struct kps_trie *trie = trie_of(map);
	struct node *node;
	unsigned long irq;

	if (kps_lock(&trie->lock, &irq))
		return -EBUSY;
	if (!key || is_too_long(trie, ((const struct prefix *)key)->len))
		node = first_below(deref(&trie->root));
	else
		node = next_locked(trie, key);
	if (node)
		memcpy(next, &node->key, map->key_size);
	kps_unlock(&trie->lock, irq);
	return node ? 0 : -ENOENT;
}

static int batch_node(struct kps_trie *trie, struct node *node, struct kps_batch *batch)
{
	const struct kps_map *map = &trie->map;
	unsigned long irq;

	if (!READ_ONCE(node->value))
		return 0;
	if (kps_lock(&trie->lock, &irq))
		return -EBUSY;
	if (node->value) {
		memcpy(batch->keys + (u64)batch->n * map->key_size, &node->key, map->key_size);
		memcpy(batch->values + (u64)batch->n * map->value_size, node->value,
		       map->value_size);
		batch->n++;
	}
	kps_unlock(&trie->lock, irq);
	return 0;
}

/* As the nodes lie, which stay where they are: each entry comes once. */
static int lpm_trie_batch(struct kps_map *map, struct kps_batch *batch)
{
	struct kps_trie *trie = trie_of(map);
	u64 nr = nr_nodes(map->max_entries);
	int err = 0;

	if (batch->cursor > nr)
		return -EINVAL;
	while (!err && batch->cursor < nr && batch->n < batch->room) {
		err = batch_node(trie, node_at(trie, batch->cursor), batch);
		batch->cursor += !err;
		cond_resched();
	}
	return err ?: batch->cursor == nr ? -ENOENT : 0;
}

static u32 lpm_trie_used(struct kps_map *map)
{
	return READ_ONCE(trie_of(map)->count);
}

const struct kps_map_ops kps_map_lpm_trie_ops = {
	.check = lpm_trie_check,
	.alloc = lpm_trie_alloc,
	.free = lpm_trie_free,
	.lookup = lpm_trie_lookup,
	.lookup_body = lpm_trie_lookup_body,
	.update = lpm_trie_update,
	.remove = lpm_trie_remove,
	.read = lpm_trie_read,
	.write = lpm_trie_write,
	.next_key = lpm_trie_next_key,
	.batch = lpm_trie_batch,
	.used = lpm_trie_used,
};
