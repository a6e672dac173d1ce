/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the end of what running programs may still see */
#ifndef KPS_REAPER_H
#define KPS_REAPER_H

#include <linux/workqueue.h>

/**
 * struct kps_grave - in an object that ends after a grace period
 * @work: of the reaper's
 * @bury: frees the object; may sleep, and let others end
 */
struct kps_grave {
	struct rcu_work work;
	void (*bury)(struct kps_grave *grave);
};

/**
 * kps_reap - let an object end that nobody finds any more
 * @grave: in the object
 * @bury: called in a work, when all have ended that ran as this was called
 *
 * Hooks run programs with preemption off, which call_rcu() waits for.
 */
void kps_reap(struct kps_grave *grave, void (*bury)(struct kps_grave *grave));

int kps_reaper_init(void);

/** kps_reaper_exit - wait until all that was handed over has ended */
void kps_reaper_exit(void);

#endif
