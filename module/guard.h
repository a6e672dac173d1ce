/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - locks that programs may meet anywhere, NMI included */
#ifndef KPS_GUARD_H
#define KPS_GUARD_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

/**
 * kps_lock - take one of kapsel's raw spinlocks, from any context
 * @lock: the lock
 * @irq: keeps the interrupt state for kps_unlock()
 *
 * A program may be started by a probe or an NMI that hits in the middle of a
 * locked section, and ask for the same lock, or for one whose holder waits for
 * this one. So a CPU holds one of these locks at most: interrupts are off, and a
 * per-CPU count makes whoever comes in between give up. Holders therefore never
 * wait, and waiting for one is bounded. In an NMI the wait is cut short besides.
 *
 * Return: 0 or -EBUSY, which the caller counts as a loss.
 */
int kps_lock(raw_spinlock_t *lock, unsigned long *irq);

/** kps_unlock - give a lock back that kps_lock() took */
void kps_unlock(raw_spinlock_t *lock, unsigned long irq);

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
