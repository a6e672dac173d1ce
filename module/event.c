// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - links: what happens at an event */

#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/timekeeping.h>

#include "link.h"
#include "prog.h"
#include "run.h"

/* On 64 bits these are plain per-CPU additions, whole in any context. */
static_assert(sizeof(long) == 8);

notrace const struct kps_prog *kps_link_prog(const struct kps_link *link)
{
	return rcu_dereference_sched(link->prog);
}

NOKPROBE_SYMBOL(kps_link_prog);

static __always_inline enum kps_outcome
run_timed(const struct kps_prog *prog, void *ctx, u64 *ret,
	  struct kps_link_stats *stats)
{
	u64 start = ktime_get_mono_fast_ns();
	enum kps_outcome outcome = kps_prog_run(prog, ctx, ret);

	if (outcome == KPS_RAN)
		u64_stats_add(&stats->run_ns, ktime_get_mono_fast_ns() - start);
	return outcome;
}

notrace enum kps_outcome kps_link_run(struct kps_link *link,
				      const struct kps_prog *prog, void *ctx,
				      u64 *ret)
{
	struct kps_link_stats *stats = this_cpu_ptr(link->stats);
	enum kps_outcome outcome;

	if (static_branch_unlikely(&kps_stats_time))
		outcome = run_timed(prog, ctx, ret, stats);
	else
		outcome = kps_prog_run(prog, ctx, ret);
	switch (outcome) {
	case KPS_RAN:
		u64_stats_inc(&stats->runs);
		break;
	case KPS_RECURSED:
		u64_stats_inc(&stats->recursed);
		break;
	case KPS_ABORTED:
		u64_stats_inc(&stats->aborted);
		break;
	}
	return outcome;
}

NOKPROBE_SYMBOL(kps_link_run);

notrace void kps_link_verdict(struct kps_link *link, bool accepted)
{
	struct kps_link_stats *stats = this_cpu_ptr(link->stats);

	u64_stats_inc(accepted ? &stats->accepted : &stats->dropped);
}
