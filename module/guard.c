// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - locks that programs may meet anywhere, NMI included */

#include <linux/processor.h>

#include "guard.h"

#define NMI_TRIES	4096

DEFINE_PER_CPU(bool, kps_locked);

/*
 * Lockdep allows nothing but trylock in an NMI (int3 probes count as one), and
 * is right in general; here the try is repeated, as the holder is on another
 * CPU and not waiting for us.
 */
notrace bool kps_acquire_in_nmi(raw_spinlock_t *lock)
{
	int tries = NMI_TRIES;

	while (tries--) {
		if (raw_spin_trylock(lock)) {
			__release(lock);
			return true;
		}
		cpu_relax();
	}
	return false;
}

notrace void kps_lock_inner(raw_spinlock_t *lock)
{
	while (!kps_acquire(lock))
		;
}

notrace void kps_unlock_inner(raw_spinlock_t *lock)
{
	__acquire(lock);
	raw_spin_unlock(lock);
}
