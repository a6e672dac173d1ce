// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers: locks in the values of maps */

#include <linux/kprobes.h>

#include "helpers.h"
#include "run.h"
#include "value.h"

notrace u64 kps_h_spin_lock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_exec *exec = kps_run_current();

	kps_value_lock((void *)(unsigned long)r1, &exec->lock_irq);
	exec->lock = (void *)(unsigned long)r1;
	return 0;
}

NOKPROBE_SYMBOL(kps_h_spin_lock);

notrace u64 kps_h_spin_unlock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_exec *exec = kps_run_current();

	exec->lock = NULL;
	kps_value_unlock((void *)(unsigned long)r1, exec->lock_irq);
	return 0;
}

NOKPROBE_SYMBOL(kps_h_spin_unlock);
