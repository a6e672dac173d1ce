// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - links: what happens at an event */

#include <linux/kprobes.h>
#include <linux/rcupdate.h>

#include "link.h"
#include "prog.h"
#include "run.h"

/* On 64 bits these are plain per-CPU additions, whole in any context. */
static_assert(sizeof(long) == 8);

/* No lockdep, which may be what is probed; preemption is off. */
static __always_inline const struct kps_prog *prog_of(const struct kps_link *link)
{
	return rcu_dereference_raw_check(link->prog);
}

notrace const struct kps_prog *kps_link_prog(const struct kps_link *link)
{
	return prog_of(link);
}

NOKPROBE_SYMBOL(kps_link_prog);

static __always_inline __nocfi enum kps_outcome
run(struct kps_link *link, const struct kps_prog *prog, void *ctx, u64 *ret)
{
	struct kps_link_stats *stats = this_cpu_ptr(link->stats);
	enum kps_outcome outcome = kps_run_here(prog, ctx, ret, &stats->run_ns);

	if (likely(outcome == KPS_RAN))
		u64_stats_inc(&stats->runs);
	else if (outcome == KPS_RECURSED)
		u64_stats_inc(&stats->recursed);
	else
		u64_stats_inc(&stats->aborted);
	return outcome;
}

notrace __nocfi enum kps_outcome kps_link_run(struct kps_link *link,
					      const struct kps_prog *prog,
					      void *ctx, u64 *ret)
{
	return run(link, prog, ctx, ret);
}

NOKPROBE_SYMBOL(kps_link_run);

notrace __nocfi void kps_link_event(struct kps_link *link, struct pt_regs *regs)
{
	u64 ret;

	run(link, prog_of(link), regs, &ret);
}

NOKPROBE_SYMBOL(kps_link_event);

notrace void kps_link_verdict(struct kps_link *link, bool accepted)
{
	struct kps_link_stats *stats = this_cpu_ptr(link->stats);

	u64_stats_inc(accepted ? &stats->accepted : &stats->dropped);
}
