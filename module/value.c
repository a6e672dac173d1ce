// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - values of maps, and the locks in them */

#include <linux/build_bug.h>
#include <linux/irqflags.h>
#include <linux/kconfig.h>
#include <linux/kprobes.h>
#include <linux/spinlock.h>

#include "value.h"

notrace void kps_value_lock(void *lock, unsigned long *irq)
{
	BUILD_BUG_ON(IS_ENABLED(CONFIG_SMP) &&
		     sizeof(arch_spinlock_t) != sizeof(struct bpf_spin_lock));
	local_irq_save(*irq);
	arch_spin_lock(lock);
}

NOKPROBE_SYMBOL(kps_value_lock);

notrace void kps_value_unlock(void *lock, unsigned long irq)
{
	arch_spin_unlock(lock);
	local_irq_restore(irq);
}

NOKPROBE_SYMBOL(kps_value_unlock);

static u32 lock_end(const struct kps_map *map)
{
	return map->lock_off + map->lock_size;
}

void kps_value_store_around(const struct kps_map *map, void *to, const void *from)
{
	u32 end = lock_end(map);

	memcpy(to, from, map->lock_off);
	memcpy(to + end, from + end, map->value_size - end);
}

void kps_value_change_locked(const struct kps_map *map, void *to, const void *from)
{
	void *lock = to + map->lock_off;
	unsigned long irq;

	kps_value_lock(lock, &irq);
	kps_value_store_around(map, to, from);
	kps_value_unlock(lock, irq);
}

void kps_value_load_locked(const struct kps_map *map, void *to, void *from)
{
	void *lock = from + map->lock_off;
	unsigned long irq;

	kps_value_lock(lock, &irq);
	kps_value_store_around(map, to, from);
	kps_value_unlock(lock, irq);
	memset(to + map->lock_off, 0, map->lock_size);
}
