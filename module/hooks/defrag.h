/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the netfilter hook: fragments put together before programs see them */
#ifndef KPS_DEFRAG_H
#define KPS_DEFRAG_H

#include <linux/types.h>

struct net;

/**
 * struct kps_defragger - what of the kernel's does it, for one family
 * @enable: holds its module, or NULL
 * @disable: the same
 */
struct kps_defragger {
	int (*enable)(struct net *net);
	void (*disable)(struct net *net);
};

/**
 * struct kps_defrag - for the families of a link
 * @ipv4: empty if the link is for IPv6
 * @ipv6: empty if it is for IPv4
 * @on: in a network namespace
 */
struct kps_defrag {
	struct kps_defragger ipv4;
	struct kps_defragger ipv6;
	bool on;
};

/**
 * kps_defrag_get - hold the modules for @family
 * @defrag: zeroes; given back by kps_defrag_put(), whatever is returned
 * @family: NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET
 *
 * Sleeps; loads modules.
 *
 * Return: 0, or -EOPNOTSUPP.
 */
int kps_defrag_get(struct kps_defrag *defrag, u32 family);

/** kps_defrag_held - is it wanted, at all? */
static inline bool kps_defrag_held(const struct kps_defrag *defrag)
{
	return defrag->ipv4.enable || defrag->ipv6.enable;
}

/** kps_defrag_put - let go of the modules; it is off */
void kps_defrag_put(struct kps_defrag *defrag);

/** kps_defrag_on - switch it on in a namespace, which lives; 0 or -errno. Sleeps */
int kps_defrag_on(struct kps_defrag *defrag, struct net *net);

/** kps_defrag_off - and off, if it is on. Sleeps */
void kps_defrag_off(struct kps_defrag *defrag, struct net *net);

#endif
