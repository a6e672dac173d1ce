// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type stack trace: stacks of calls, by a hash of theirs */

#include <linux/atomic.h>
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "guard.h"
#include "map.h"
#include "unwind.h"
#include "maps/area.h"
#include "maps/stack_trace.h"

#define MAX_ENTRIES	BIT(30)	/* so that ids count in 31 bits */

/**
 * struct stack - a stack, in a slot or in the free list
 * @next_free: in the free list
 * @hash: of what is in @ips
 * @nr: how many of them count
 * @ips: addresses, as many as a value holds
 */
struct stack {
	struct stack *next_free;
	u32 hash;
	u32 nr;
	u64 ips[];
};

/**
 * struct slot - what an id stands for
 * @stack: NULL: nothing
 * @lock: by kps_lock(); protects @stack, which is looked at without, and what it points to
 */
struct slot {
	struct stack *stack;
	raw_spinlock_t lock;
};

/**
 * struct kps_stack_map - a stack trace map
 * @map: head
 * @slots: by id; a power of two
 * @mask: their number less one
 * @stacks: @map.max_entries of them, for good
 * @stack_size: from one to the next
 * @used: those in slots
 * @free_lock: inside a slot's lock; protects @free
 * @free: stacks not in use
 */
struct kps_stack_map {
	struct kps_map map;
	struct slot *slots;
	u32 mask;
	void *stacks;
	u32 stack_size;
	atomic_t used;
	raw_spinlock_t free_lock;
	struct stack *free;
};

static struct kps_stack_map *stacks_of(struct kps_map *map)
{
	return container_of(map, struct kps_stack_map, map);
}

/* ------------------------------------------------------------------------
 * Memory
 */
static int stack_trace_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || !arg->max_entries ||
	    arg->value_size < sizeof(u64) || arg->value_size % sizeof(u64) ||
	    arg->value_size / sizeof(u64) > KPS_MAX_FRAMES)
		return -EINVAL;
	return arg->max_entries > MAX_ENTRIES ? -E2BIG : 0;
}

static int alloc_slots(struct kps_stack_map *stacks, u32 max_entries)
{
	u32 i, n = roundup_pow_of_two(max_entries);

	stacks->slots = kps_area_alloc((u64)n * sizeof(*stacks->slots));
	if (!stacks->slots)
		return -ENOMEM;
	stacks->mask = n - 1;
	for (i = 0; i < n; i++) {
		raw_spin_lock_init(&stacks->slots[i].lock);
		cond_resched();
	}
	return 0;
}

/* They follow one another in the free list. */
static int alloc_stacks(struct kps_stack_map *stacks, u32 max_entries)
{
	u64 i;

	stacks->stacks = kps_area_alloc((u64)max_entries * stacks->stack_size);
	if (!stacks->stacks)
		return -ENOMEM;
	for (i = max_entries; i--;) {
		struct stack *stack = stacks->stacks + i * stacks->stack_size;

		stack->next_free = stacks->free;
		stacks->free = stack;
		cond_resched();
	}
	return 0;
}

static void stack_trace_free(struct kps_map *map)
{
	struct kps_stack_map *stacks = stacks_of(map);

	kvfree(stacks->stacks);
	kvfree(stacks->slots);
	kfree(stacks);
}

static struct kps_map *stack_trace_alloc(const struct kapsel_map_create *arg)
{
	struct kps_stack_map *stacks = kzalloc(sizeof(*stacks), GFP_KERNEL_ACCOUNT);

	if (!stacks)
		return ERR_PTR(-ENOMEM);
	stacks->stack_size = sizeof(struct stack) + arg->value_size;
	raw_spin_lock_init(&stacks->free_lock);
	if (alloc_slots(stacks, arg->max_entries) ||
	    alloc_stacks(stacks, arg->max_entries)) {
		stack_trace_free(&stacks->map);
		return ERR_PTR(-ENOMEM);
	}
	stacks->map.user_size = arg->value_size;
	stacks->map.memory = sizeof(*stacks) +
			     ((u64)stacks->mask + 1) * sizeof(*stacks->slots) +
			     (u64)arg->max_entries * stacks->stack_size;
	return &stacks->map;
}

/* ------------------------------------------------------------------------
 * With a slot's lock held
 */
static struct stack *pop_free(struct kps_stack_map *stacks)
{
	struct stack *stack;

	kps_lock_inner(&stacks->free_lock);
	stack = stacks->free;
	if (stack)
		stacks->free = stack->next_free;
	kps_unlock_inner(&stacks->free_lock);
	if (stack)
		atomic_inc(&stacks->used);
	return stack;
}

static void clear(struct kps_stack_map *stacks, struct slot *slot)
{
	struct stack *stack = slot->stack;

	WRITE_ONCE(slot->stack, NULL);
	atomic_dec(&stacks->used);
	kps_lock_inner(&stacks->free_lock);
	stack->next_free = stacks->free;
	stacks->free = stack;
	kps_unlock_inner(&stacks->free_lock);
}

static bool is_same(const struct stack *stack, const u64 *ips, u32 nr, u32 hash,
		    bool fast)
{
	if (stack->hash != hash)
		return false;
	return fast || (stack->nr == nr && !memcmp(stack->ips, ips, nr * sizeof(*ips)));
}

static int store(struct kps_stack_map *stacks, struct slot *slot, const u64 *ips,
		 u32 nr, u32 hash, u64 flags)
{
	if (slot->stack &&
	    is_same(slot->stack, ips, nr, hash, flags & BPF_F_FAST_STACK_CMP))
		return 0;
	if (slot->stack && !(flags & BPF_F_REUSE_STACKID))
		return -EEXIST;
	/* Another stack's place is taken over: readers hold the lock. */
	if (!slot->stack)
		WRITE_ONCE(slot->stack, pop_free(stacks));
	if (!slot->stack)
		return -ENOMEM;
	slot->stack->hash = hash;
	slot->stack->nr = nr;
	memcpy(slot->stack->ips, ips, nr * sizeof(*ips));
	return 0;
}

/* ------------------------------------------------------------------------
 * Programs
 */
long kps_stack_trace_id(struct kps_map *map, const u64 *ips, u32 nr, u64 flags)
{
	struct kps_stack_map *stacks = stacks_of(map);
	u32 hash = jhash2((const u32 *)ips, nr * sizeof(*ips) / sizeof(u32), 0);
	struct slot *slot = &stacks->slots[hash & stacks->mask];
	unsigned long irq;
	int err;

	err = kps_lock(&slot->lock, &irq);
	if (!err) {
		err = store(stacks, slot, ips, nr, hash, flags);
		kps_unlock(&slot->lock, irq);
	}
	if (err == -ENOMEM || err == -EBUSY)
		kps_map_lose(map);
	return err ? err : (long)(hash & stacks->mask);
}

/* ------------------------------------------------------------------------
 * Ioctls
 */
static void read_stack(const struct kps_map *map, const struct stack *stack, void *value)
{
	u32 size = stack->nr * sizeof(u64);

	memcpy(value, stack->ips, size);
	memset(value + size, 0, map->value_size - size);
}

/* Reads the stack if it is asked for, and removes it if it is. */
static int get(struct kps_map *map, u32 id, void *value, bool remove)
{
	struct kps_stack_map *stacks = stacks_of(map);
	struct slot *slot = &stacks->slots[id];
	unsigned long irq;
	int err = -ENOENT;

	if (kps_lock(&slot->lock, &irq))
		return -EBUSY;
	if (slot->stack) {
		err = 0;
		if (value)
			read_stack(map, slot->stack, value);
		if (remove)
			clear(stacks, slot);
	}
	kps_unlock(&slot->lock, irq);
	return err;
}

static int stack_trace_read(struct kps_map *map, const void *key, void *value)
{
	u32 id = *(const u32 *)key;

	return id > stacks_of(map)->mask ? -ENOENT : get(map, id, value, false);
}

static int stack_trace_take(struct kps_map *map, const void *key, void *value)
{
	u32 id = *(const u32 *)key;

	return id > stacks_of(map)->mask ? -ENOENT : get(map, id, value, true);
}

static long stack_trace_remove(struct kps_map *map, const void *key)
{
	u32 id = *(const u32 *)key;

	return id > stacks_of(map)->mask ? -E2BIG : get(map, id, NULL, true);
}

/* Stacks come from programs only. */
static int stack_trace_write(struct kps_map *map, const void *key, const void *value,
			     u64 flags)
{
	return -EINVAL;
}

static bool is_used(const struct kps_stack_map *stacks, u32 id)
{
	return READ_ONCE(stacks->slots[id].stack);
}

static int stack_trace_next_key(struct kps_map *map, const void *key, void *next)
{
	struct kps_stack_map *stacks = stacks_of(map);
	u32 id = key ? *(const u32 *)key : U32_MAX;

	id = id <= stacks->mask && is_used(stacks, id) ? id + 1 : 0;
	for (; id <= stacks->mask; id++) {
		if (is_used(stacks, id)) {
			*(u32 *)next = id;
			return 0;
		}
		cond_resched();
	}
	return -ENOENT;
}

static int stack_trace_batch(struct kps_map *map, struct kps_batch *batch)
{
	struct kps_stack_map *stacks = stacks_of(map);
	int err;

	if (batch->cursor > (u64)stacks->mask + 1)
		return -EINVAL;
	for (; batch->cursor <= stacks->mask && batch->n < batch->room; batch->cursor++) {
		u32 id = batch->cursor;

		cond_resched();
		if (!is_used(stacks, id))
			continue;
		err = get(map, id, batch->values + (u64)batch->n * map->user_size,
			  batch->take);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		memcpy(batch->keys + (u64)batch->n++ * sizeof(id), &id, sizeof(id));
	}
	return batch->cursor > stacks->mask ? -ENOENT : 0;
}

static u32 stack_trace_used(struct kps_map *map)
{
	return atomic_read(&stacks_of(map)->used);
}

const struct kps_map_ops kps_map_stack_trace_ops = {
	.check = stack_trace_check,
	.alloc = stack_trace_alloc,
	.free = stack_trace_free,
	.remove = stack_trace_remove,
	.read = stack_trace_read,
	.write = stack_trace_write,
	.take = stack_trace_take,
	.next_key = stack_trace_next_key,
	.batch = stack_trace_batch,
	.used = stack_trace_used,
};
