/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - locks that programs may meet anywhere, NMI included */
#ifndef KPS_GUARD_H
#define KPS_GUARD_H

#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* This CPU holds a lock that kps_lock() took; written with interrupts off. */
DECLARE_PER_CPU(bool, kps_locked);

/** kps_acquire_in_nmi - a part of kps_lock(): wait for a lock, but not for long */
bool kps_acquire_in_nmi(raw_spinlock_t *lock);

/*
 * Sparse can't follow locks that are taken on a condition and passed around, so each
 * function here is balanced for it by hand.
 */
static __always_inline bool kps_acquire(raw_spinlock_t *lock)
{
	if (in_nmi())
		return kps_acquire_in_nmi(lock);
	raw_spin_lock(lock);
	__release(lock);
	return true;
}

/**
 * kps_lock - take one of kapsel's raw spinlocks, from any context
 * @lock: the lock
 * @irq: keeps the interrupt state for kps_unlock()
 *
 * A program may be started by a probe or an NMI that hits in the middle of a
 * locked section, and ask for the same lock, or for one whose holder waits for
 * this one. So a CPU holds one of these locks at most: interrupts are off, and a
 * per-CPU mark makes whoever comes in between give up. Holders therefore never
 * wait, and waiting for one is bounded. In an NMI the wait is cut short besides.
 *
 * What comes in between looking at the mark and setting it takes its lock and gives
 * it back before this CPU goes on.
 *
 * Inline, as the call would cost programs more than what it does.
 *
 * Return: 0 or -EBUSY, which the caller counts as a loss.
 */
static __always_inline int kps_lock(raw_spinlock_t *lock, unsigned long *irq)
{
	unsigned long flags;

	local_irq_save(flags);
	if (likely(!__this_cpu_read(kps_locked))) {
		__this_cpu_write(kps_locked, true);
		if (likely(kps_acquire(lock))) {
			*irq = flags;
			return 0;
		}
		__this_cpu_write(kps_locked, false);
	}
	local_irq_restore(flags);
	return -EBUSY;
}

/** kps_unlock - give a lock back that kps_lock() took */
static __always_inline void kps_unlock(raw_spinlock_t *lock, unsigned long irq)
{
	__acquire(lock);
	raw_spin_unlock(lock);
	__this_cpu_write(kps_locked, false);
	local_irq_restore(irq);
}

/**
 * kps_lock_inner - take a second lock, inside of kps_lock()
 * @lock: one that is taken nowhere else, and inside of which nothing is taken
 *
 * Waits as long as it takes, in an NMI too: its holder is not waiting.
 */
void kps_lock_inner(raw_spinlock_t *lock);

/** kps_unlock_inner - give it back */
void kps_unlock_inner(raw_spinlock_t *lock);

#endif
