/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - running a program, in any context */
#ifndef KPS_RUN_H
#define KPS_RUN_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include "core/interp.h"

struct kps_link;
struct kps_prog;

#define KPS_LINE_LEN	512	/* of trace_printk, with what goes before it */

/**
 * struct kps_exec - a run, while it runs
 * @busy: it does
 * @prog: kept alive by the hook's read-side section, or by the test run's file
 * @line: where trace_printk formats
 * @run: the interpreter's memory
 */
struct kps_exec {
	bool busy;
	const struct kps_prog *prog;
	char line[KPS_LINE_LEN];
	struct kps_run run;
};

/** enum kps_outcome - what became of a run */
enum kps_outcome {
	KPS_RAN,
	KPS_RECURSED,		/* this context level runs a program already */
	KPS_ABORTED,		/* fuel, if metered; else never, nor a trap, for a sound verifier */
};

/**
 * kps_prog_run - run a program
 * @prog: the program
 * @ctx: its context
 * @ret: what it returned
 *
 * Any context in which RCU is watching. Each CPU has one area for each level of
 * context (task, softirq, hardirq, NMI); when the level's own is in use, the
 * event comes from something that the program itself does, and is skipped.
 */
enum kps_outcome kps_prog_run(const struct kps_prog *prog, void *ctx, u64 *ret);

/** kps_run_current - the innermost run of this CPU; for helpers */
struct kps_exec *kps_run_current(void);

DECLARE_STATIC_KEY_FALSE(kps_stats_time);

/** kps_stats_time_on - are run times measured? */
bool kps_stats_time_on(void);

int kps_run_init(void);
void kps_run_exit(void);

#endif
