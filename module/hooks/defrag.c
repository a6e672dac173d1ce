// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - the netfilter hook: fragments put together before programs see them
 *
 * Connection tracking needs the same, so the kernel counts who wants it in a network
 * namespace. Its modules are found when they are wanted: most links don't, and the
 * kernel may have none.
 */

#include <linux/errno.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <net/netfilter/ipv4/nf_defrag_ipv4.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "hooks/defrag.h"

static bool have_ipv4(struct kps_defragger *ipv4)
{
	ipv4->enable = symbol_get(nf_defrag_ipv4_enable);
	ipv4->disable = symbol_get(nf_defrag_ipv4_disable);
	return ipv4->enable && ipv4->disable;
}

static bool have_ipv6(struct kps_defragger *ipv6)
{
	ipv6->enable = symbol_get(nf_defrag_ipv6_enable);
	ipv6->disable = symbol_get(nf_defrag_ipv6_disable);
	return ipv6->enable && ipv6->disable;
}

static void put_ipv4(struct kps_defragger *ipv4)
{
	if (ipv4->enable)
		symbol_put(nf_defrag_ipv4_enable);
	if (ipv4->disable)
		symbol_put(nf_defrag_ipv4_disable);
	*ipv4 = (struct kps_defragger){};
}

static void put_ipv6(struct kps_defragger *ipv6)
{
	if (ipv6->enable)
		symbol_put(nf_defrag_ipv6_enable);
	if (ipv6->disable)
		symbol_put(nf_defrag_ipv6_disable);
	*ipv6 = (struct kps_defragger){};
}

static bool get_ipv4(struct kps_defragger *ipv4)
{
	if (have_ipv4(ipv4))
		return true;
	put_ipv4(ipv4);
	request_module("nf_defrag_ipv4");
	return have_ipv4(ipv4);
}

static bool get_ipv6(struct kps_defragger *ipv6)
{
	if (have_ipv6(ipv6))
		return true;
	put_ipv6(ipv6);
	request_module("nf_defrag_ipv6");
	return have_ipv6(ipv6);
}

int kps_defrag_get(struct kps_defrag *defrag, u32 family)
{
	if (family != NFPROTO_IPV6 && !get_ipv4(&defrag->ipv4))
		return -EOPNOTSUPP;
	if (IS_ENABLED(CONFIG_IPV6) && family != NFPROTO_IPV4 && !get_ipv6(&defrag->ipv6))
		return -EOPNOTSUPP;
	return 0;
}

void kps_defrag_put(struct kps_defrag *defrag)
{
	put_ipv4(&defrag->ipv4);
	put_ipv6(&defrag->ipv6);
}

static int switch_on(const struct kps_defragger *defragger, struct net *net)
{
	return defragger->enable ? defragger->enable(net) : 0;
}

static void switch_off(const struct kps_defragger *defragger, struct net *net)
{
	if (defragger->disable)
		defragger->disable(net);
}

int kps_defrag_on(struct kps_defrag *defrag, struct net *net)
{
	int err = switch_on(&defrag->ipv4, net);

	if (err)
		return err;
	err = switch_on(&defrag->ipv6, net);
	if (err)
		switch_off(&defrag->ipv4, net);
	defrag->on = !err;
	return err;
}

void kps_defrag_off(struct kps_defrag *defrag, struct net *net)
{
	if (!defrag->on)
		return;
	defrag->on = false;
	switch_off(&defrag->ipv6, net);
	switch_off(&defrag->ipv4, net);
}
