/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the netfilter hook: what its files share */
#ifndef KPS_NETFILTER_H
#define KPS_NETFILTER_H

#include <linux/netfilter.h>

struct kps_link;
struct kps_observer;
struct kps_prog;

/** kps_nf_judge - a packet at a link's hook; any program. Returns NF_* */
unsigned int kps_nf_judge(struct kps_link *link, struct sk_buff *skb,
			  const struct nf_hook_state *state);

/**
 * kps_observer_take - a hook that calls the link's program directly
 * @link: the link, not yet attached
 * @ops: @hook and @priv are filled in; left alone for want of a slot, or if the program
 *	is no observer
 *
 * Sleeps.
 *
 * Return: the slot, for kps_observer_give_back(), or NULL.
 */
const struct kps_observer *kps_observer_take(struct kps_link *link, struct nf_hook_ops *ops);

/** kps_observer_set - another program: packets go there from now on. @slot may be NULL */
void kps_observer_set(const struct kps_observer *slot, const struct kps_prog *prog);

/** kps_observer_give_back - nobody runs it any more. @slot may be NULL */
void kps_observer_give_back(const struct kps_observer *slot);

#endif
