// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - locks that programs may meet anywhere, NMI included */

#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>

#include "guard.h"

#define NMI_TRIES	4096

static DEFINE_PER_CPU(unsigned int, locked);

/*
 * Lockdep allows nothing but trylock in an NMI (int3 probes count as one), and
 * is right in general; here the try is repeated, as the holder is on another
 * CPU and not waiting for us.
 *
 * Sparse can't follow locks that are taken on a condition and passed around, so
 * each function here is balanced for it by hand.
 */
static notrace bool acquire_in_nmi(raw_spinlock_t *lock, int tries)
{
	while (tries--) {
		if (raw_spin_trylock(lock)) {
			__release(lock);
			return true;
		}
		cpu_relax();
	}
	return false;
}

static notrace bool acquire(raw_spinlock_t *lock)
{
	if (in_nmi())
		return acquire_in_nmi(lock, NMI_TRIES);
	raw_spin_lock(lock);
	__release(lock);
	return true;
}

notrace int kps_lock(raw_spinlock_t *lock, unsigned long *irq)
{
	unsigned long flags;

	local_irq_save(flags);
	if (this_cpu_inc_return(locked) != 1 || !acquire(lock)) {
		this_cpu_dec(locked);
		local_irq_restore(flags);
		return -EBUSY;
	}
	*irq = flags;
	return 0;
}

notrace void kps_unlock(raw_spinlock_t *lock, unsigned long irq)
{
	__acquire(lock);
	raw_spin_unlock(lock);
	this_cpu_dec(locked);
	local_irq_restore(irq);
}

notrace void kps_lock_inner(raw_spinlock_t *lock)
{
	while (!acquire(lock))
		;
}

notrace void kps_unlock_inner(raw_spinlock_t *lock)
{
	__acquire(lock);
	raw_spin_unlock(lock);
}
