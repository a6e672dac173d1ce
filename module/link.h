/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - links: programs attached to hooks */
#ifndef KPS_LINK_H
#define KPS_LINK_H

#include <linux/container_of.h>
#include <linux/mutex.h>
#include <linux/percpu-defs.h>

#include "object.h"
#include "run.h"

struct kps_call;
struct kps_hook;
struct pt_regs;
struct kps_prog;

/**
 * struct kps_link_stats - of one CPU; any context of it counts here
 *
 * By this_cpu_inc() and the like, so that nothing is lost to an interrupt. @link,
 * whose they are, is constant.
 */
struct kps_link_stats {
	u64 runs;
	u64 run_ns;
	u64 recursed;
	u64 aborted;
	u64 dropped;
	u64 accepted;
	u64 unready;
	struct kps_link *link;
};

/**
 * struct kps_site - a place that a probe watches, and what programs may ask of it
 * @ip: of the instruction
 * @func: the function whose entry or return it is; 0: a place inside of one
 * @cookie: the owner's, for bpf_get_attach_cookie()
 * @traced: ftrace can watch it
 * @gone: so is the module that it was in
 */
struct kps_site {
	unsigned long ip;
	unsigned long func;
	u64 cookie;
	bool traced;
	bool gone;
};

/**
 * struct kps_link - the head of each link; its hook's data follow
 * @obj: head. Users are files and the pin
 * @hook: row of the table
 * @prog: a reference; replaced under @lock, read with preemption off
 * @lock: serialises attaching, updating and detaching
 * @state: KAPSEL_LINK_*, under @lock, but that the death of its network namespace
 *	comes without. Never goes back to attached
 * @cookie: the owner's
 * @stats: counters
 *
 * The hook may run the program from before attach() returns until detach() does,
 * and holds no reference: releasing the link detaches first.
 */
struct kps_link {
	struct kps_object obj;
	const struct kps_hook *hook;
	struct kps_prog __rcu *prog;
	struct mutex lock;	/* see above */
	u32 state;
	u64 cookie;
	struct kps_link_stats __percpu *stats;
};

extern const struct kps_kind kps_link_kind;

/** kps_link_by_fd - a reference, given back by kps_object_put(), or ERR_PTR */
struct kps_link *kps_link_by_fd(u32 fd);

/**
 * kps_link_run - a packet: run the link's program, and count
 * @link: the link
 * @prog: its program, by kps_link_prog()
 * @ctx: context
 * @ret: what the program returned
 *
 * A run that ended is counted by its verdict, with kps_link_verdict().
 *
 * Return: see kps_prog_run(); @ret only counts for KPS_RAN.
 */
enum kps_outcome kps_link_run(struct kps_link *link, const struct kps_prog *prog,
			      struct kps_skb_ctx *ctx, u64 *ret);

/** kps_link_run_probe - the same for a probe at @site, whose program returns nothing of use */
void kps_link_run_probe(struct kps_link *link, const struct kps_prog *prog,
			const struct kps_site *site, struct pt_regs *regs);

/** kps_link_verdict - count a netfilter verdict */
static __always_inline void kps_link_verdict(const struct kps_link *link, bool accepted)
{
	if (accepted)
		this_cpu_inc(link->stats->accepted);
	else
		this_cpu_inc(link->stats->dropped);
}

/* ioctls */
int kps_link_create(struct kps_call *call);
int kps_link_update(struct kps_call *call);
int kps_link_detach(struct kps_call *call);

#endif
