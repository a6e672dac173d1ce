/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - stacks of calls, as perf sees them */
#ifndef KPS_UNWIND_H
#define KPS_UNWIND_H

#include <linux/types.h>

struct pt_regs;

#define KPS_MAX_FRAMES	127	/* as kernel.perf_event_max_stack is by default */

/**
 * kps_unwind - who called whom, the innermost first
 * @regs: a probe's
 * @user: of the current task's user side, by its frame pointers; else the
 *	kernel's, up to where it was entered
 * @ips: room for addresses
 * @max: how many, at most KPS_MAX_FRAMES
 *
 * Any context. User memory that is not there ends the walk, and so does a frame
 * that the kernel knows no way out of.
 *
 * Return: how many there are; 0 on the user side of a kernel thread.
 */
u32 kps_unwind(struct pt_regs *regs, bool user, u64 *ips, u32 max);

#endif
