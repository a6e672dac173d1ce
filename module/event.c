// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - links: what happens at an event */

#include <linux/kprobes.h>

#include "event.h"

static __always_inline __nocfi enum kps_outcome run(struct kps_link *link,
						    const struct kps_prog *prog,
						    const void *where,
						    void *ctx, u64 *ret)
{
	enum kps_outcome outcome = kps_run_here(prog, where, ctx, ret,
						&link->stats->run_ns);

	if (unlikely(outcome == KPS_RECURSED))
		this_cpu_inc(link->stats->recursed);
	else if (unlikely(outcome == KPS_ABORTED))
		this_cpu_inc(link->stats->aborted);
	return outcome;
}

notrace __nocfi enum kps_outcome kps_link_run(struct kps_link *link,
					      const struct kps_prog *prog,
					      struct kps_skb_ctx *ctx, u64 *ret)
{
	return run(link, prog, ctx, ctx, ret);
}

NOKPROBE_SYMBOL(kps_link_run);

notrace __nocfi void kps_link_run_probe(struct kps_link *link,
					const struct kps_prog *prog,
					const struct kps_site *site,
					struct pt_regs *regs)
{
	u64 ret;

	if (run(link, prog, site, regs, &ret) == KPS_RAN)
		this_cpu_inc(link->stats->runs);
}

NOKPROBE_SYMBOL(kps_link_run_probe);
