/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - values of maps, and the locks in them */
#ifndef KPS_VALUE_H
#define KPS_VALUE_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/area.h"

/*
 * Only netfilter programs use maps whose values have a lock (KV118), and call nothing
 * while they hold one; interrupts are off meanwhile. So a holder waits for nobody, and
 * no program that meets a lock has interrupted its holder. It is taken inside of
 * kps_lock() or outside of any.
 */

/**
 * kps_value_lock - take the lock in a value
 * @lock: struct bpf_spin_lock
 * @irq: keeps the interrupt state for kps_value_unlock()
 */
void kps_value_lock(void *lock, unsigned long *irq);
void kps_value_unlock(void *lock, unsigned long irq);

/* For maps with a lock. */
void kps_value_store_around(const struct kps_map *map, void *to, const void *from);
void kps_value_change_locked(const struct kps_map *map, void *to, const void *from);
void kps_value_load_locked(const struct kps_map *map, void *to, void *from);

/** kps_value_store - what nobody else sees yet becomes a value; its lock stays as it is */
static inline void kps_value_store(const struct kps_map *map, void *to, const void *from)
{
	if (unlikely(map->lock_size))
		kps_value_store_around(map, to, from);
	else
		kps_copy_value(to, from, map->value_size);
}

/** kps_value_change - what others see gets another value, while its lock is held */
static inline void kps_value_change(const struct kps_map *map, void *to, const void *from)
{
	if (unlikely(map->lock_size))
		kps_value_change_locked(map, to, from);
	else
		kps_copy_value(to, from, map->value_size);
}

/** kps_value_load - a value for userspace, read while its lock is held, which reads as zero */
static inline void kps_value_load(const struct kps_map *map, void *to, void *from)
{
	if (unlikely(map->lock_size))
		kps_value_load_locked(map, to, from);
	else
		kps_copy_value(to, from, map->value_size);
}

/** kps_value_flags - flags of an update: 0, or -EINVAL */
static inline int kps_value_flags(const struct kps_map *map, u64 flags)
{
	if ((flags & ~BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	return flags & BPF_F_LOCK && !map->lock_size ? -EINVAL : 0;
}

/** kps_value_read_flags - flags of a lookup: 0, or -EINVAL */
static inline int kps_value_read_flags(const struct kps_map *map, u64 flags)
{
	return flags && (flags != BPF_F_LOCK || !map->lock_size) ? -EINVAL : 0;
}

#endif
