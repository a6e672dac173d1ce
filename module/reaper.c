// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the end of what running programs may still see */

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "reaper.h"

/* Of our own, so that the module's exit can wait for it. */
static struct workqueue_struct *reaper;
static atomic_t dying;

static void bury(struct work_struct *work)
{
	struct kps_grave *grave = container_of(to_rcu_work(work), struct kps_grave, work);

	grave->bury(grave);
	if (atomic_dec_and_test(&dying))
		wake_up_var(&dying);
}

void kps_reap(struct kps_grave *grave, void (*fn)(struct kps_grave *grave))
{
	grave->bury = fn;
	atomic_inc(&dying);
	INIT_RCU_WORK(&grave->work, bury);
	queue_rcu_work(reaper, &grave->work);
}

int kps_reaper_init(void)
{
	reaper = alloc_workqueue("kapsel", WQ_UNBOUND, 0);
	return reaper ? 0 : -ENOMEM;
}

/* What ends may let go of others, which come to the queue a grace period later. */
void kps_reaper_exit(void)
{
	wait_var_event(&dying, !atomic_read(&dying));
	rcu_barrier();
	destroy_workqueue(reaper);
}
