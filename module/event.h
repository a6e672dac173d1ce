/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - links: what happens at an event; the short way, which is inlined */
#ifndef KPS_EVENT_H
#define KPS_EVENT_H

#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include "link.h"
#include "prog.h"
#include "run.h"

/*
 * A compiled program that calls nothing can neither cause an event nor ask who
 * runs, so that it needs no guard and no place to run in; and it comes to its end.
 * Its time, if wanted, is measured the long way.
 */
static __always_inline bool kps_event_is_quick(kps_quiet_fn quiet)
{
	return likely(quiet) && !static_branch_unlikely(&kps_stats_time);
}

/** kps_link_prog - the program, for as long as preemption stays off, or RCU holds it */
static __always_inline const struct kps_prog *kps_link_prog(const struct kps_link *link)
{
	/* No lockdep, which may be what is probed. */
	return rcu_dereference_raw_check(link->prog);
}

/**
 * kps_link_event - an event that a probe saw: run the link's program, and count
 * @link: the link
 * @site: where
 * @regs: context
 *
 * Preemption is off, and RCU is watching.
 */
static __always_inline __nocfi void kps_link_event(struct kps_link *link,
						   const struct kps_site *site,
						   struct pt_regs *regs)
{
	const struct kps_prog *prog = kps_link_prog(link);

	if (kps_event_is_quick(prog->quiet)) {
		this_cpu_inc(link->stats->runs);
		prog->quiet(regs);
	} else {
		kps_link_run_probe(link, prog, site, regs);
	}
}

#endif
