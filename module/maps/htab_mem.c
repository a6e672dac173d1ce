// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hash tables: their memory */

#include <linux/align.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <uapi/linux/bpf.h>

#include "maps/area.h"
#include "maps/htab.h"

#define MAX_ENTRIES	BIT(30)	/* so that buckets and elements count in 32 bits */

int kps_htab_check(const struct kapsel_map_create *arg)
{
	if (!arg->key_size || !arg->value_size || !arg->max_entries)
		return -EINVAL;
	/* Chains of one's choosing take others' time. */
	if (arg->map_flags & BPF_F_ZERO_SEED && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* Elements are copied with interrupts off, and on the kernel's heap. */
	if (arg->key_size > KMALLOC_MAX_SIZE / 2 ||
	    arg->value_size > KMALLOC_MAX_SIZE / 2 ||
	    arg->max_entries > MAX_ENTRIES)
		return -E2BIG;
	return 0;
}

static struct kps_elem *elem_at(const struct kps_htab *htab, u64 index)
{
	return htab->elems + index * htab->elem_size;
}

static void __percpu **percpu_slot(const struct kps_htab *htab,
				   struct kps_elem *elem)
{
	return kps_htab_value(htab, elem);
}

static u32 elem_size(const struct kapsel_map_create *arg, bool percpu)
{
	return sizeof(struct kps_elem) + ALIGN(arg->key_size, 8) +
	       (percpu ? sizeof(void *) : ALIGN(arg->value_size, 8));
}

static int alloc_buckets(struct kps_htab *htab, u32 max_entries)
{
	u32 i, n = roundup_pow_of_two(max_entries);

	htab->buckets = kps_area_alloc((u64)n * sizeof(*htab->buckets));
	if (!htab->buckets)
		return -ENOMEM;
	htab->mask = n - 1;
	for (i = 0; i < n; i++) {
		INIT_HLIST_NULLS_HEAD(&htab->buckets[i].head, i);
		raw_spin_lock_init(&htab->buckets[i].lock);
		cond_resched();
	}
	return 0;
}

static int alloc_percpu_values(struct kps_htab *htab, u32 size)
{
	u64 i;

	for (i = 0; i < htab->nr_elems; i++) {
		void __percpu *value;

		if (fatal_signal_pending(current))
			return -EINTR;
		value = kps_percpu_alloc(size);
		if (!value)
			return -ENOMEM;
		*percpu_slot(htab, elem_at(htab, i)) = value;
		cond_resched();
	}
	return 0;
}

/* The elements follow one another in the free list. */
static int alloc_elems(struct kps_htab *htab)
{
	u64 i;

	htab->elems = kps_area_alloc(htab->nr_elems * htab->elem_size);
	if (!htab->elems)
		return -ENOMEM;
	for (i = htab->nr_elems; i--;) {
		elem_at(htab, i)->next_free = htab->free;
		htab->free = elem_at(htab, i);
		cond_resched();
	}
	return 0;
}

/* There are as many more elements as CPUs. */
static int alloc_spares(struct kps_htab *htab)
{
	int cpu;

	htab->spares = alloc_percpu_gfp(struct kps_elem *, GFP_KERNEL_ACCOUNT);
	if (!htab->spares)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		*per_cpu_ptr(htab->spares, cpu) = htab->free;
		htab->free = htab->free->next_free;
	}
	return 0;
}

static int alloc_parts(struct kps_htab *htab, const struct kapsel_map_create *arg)
{
	int err = alloc_buckets(htab, arg->max_entries) ?: alloc_elems(htab);

	if (!err && !htab->percpu)
		err = alloc_spares(htab);

	if (!err && htab->percpu)
		err = alloc_percpu_values(htab, arg->value_size);
	return err;
}

static u64 memory(const struct kps_htab *htab)
{
	u64 elem = htab->elem_size;

	if (htab->percpu)
		elem += htab->map.user_size;
	return sizeof(*htab) + elem * htab->nr_elems +
	       (htab->spares ? num_possible_cpus() * sizeof(*htab->spares) : 0) +
	       ((u64)htab->mask + 1) * sizeof(*htab->buckets);
}

struct kps_map *kps_htab_alloc(const struct kapsel_map_create *arg, bool percpu,
			       bool lru)
{
	struct kps_htab *htab = kzalloc(sizeof(*htab), GFP_KERNEL_ACCOUNT);
	int err;

	if (!htab)
		return ERR_PTR(-ENOMEM);
	/* All that kps_htab_free() needs to take a half-made table down. */
	htab->map.key_size = arg->key_size;
	htab->map.user_size = percpu ? kps_percpu_user_size(arg->value_size) :
				       arg->value_size;
	htab->percpu = percpu;
	htab->lru = lru;
	htab->seed = arg->map_flags & BPF_F_ZERO_SEED ? 0 : get_random_u32();
	htab->elem_size = elem_size(arg, percpu);
	htab->nr_elems = (u64)arg->max_entries + num_possible_cpus();
	raw_spin_lock_init(&htab->free_lock);
	err = alloc_parts(htab, arg);
	if (err) {
		kps_htab_free(&htab->map);
		return ERR_PTR(err);
	}
	htab->map.memory = memory(htab);
	return &htab->map;
}

static void free_percpu_values(struct kps_htab *htab)
{
	u64 i;

	for (i = 0; i < htab->nr_elems; i++) {
		free_percpu(*percpu_slot(htab, elem_at(htab, i)));
		cond_resched();
	}
}

void kps_htab_free(struct kps_map *map)
{
	struct kps_htab *htab = kps_htab_of(map);

	if (htab->percpu && htab->elems)
		free_percpu_values(htab);
	free_percpu(htab->spares);
	kvfree(htab->elems);
	kvfree(htab->buckets);
	kfree(htab);
}
