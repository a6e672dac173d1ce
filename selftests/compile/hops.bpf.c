// SPDX-License-Identifier: GPL-2.0-only
/* IPv6's extension headers by goto and a budget, and by an offset that is added up */

#include <linux/in.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

#define IP6_LEN 40

SEC("cgroup_skb/ingress")
int by_goto(struct __sk_buff *skb)
{
	u8 *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, next;
	int budget = 6;

	if (at + IP6_LEN > end)
		goto bad;
	next = at[6];
	at += IP6_LEN;
again:
	if (!budget-- || at + 8 > end)
		goto bad;
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		next = at[0];
		at += 8 + at[1] * 8;
		goto again;
	case IPPROTO_FRAGMENT:
		if (*(u16 *)(at + 2) & bpf_htons(0xfff8))
			goto out;
		next = at[0];
		at += 8;
		goto again;
	case IPPROTO_AH:
		next = at[0];
		at += 8 + at[1] * 4;
		goto again;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (*(u16 *)(at + 2) == bpf_htons(23))
			goto bad;
	}
out:
	return KAPSEL_ACCEPT;
bad:
	return KAPSEL_DROP;
}

SEC("cgroup_skb/egress")
int by_offset(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u64 off = IP6_LEN;
	u8 next, hops, *at;

	if (data + off > end)
		return KAPSEL_ACCEPT;
	next = *(u8 *)(data + 6);
	for (hops = 0; hops < 8; hops++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_DSTOPTS && next != IPPROTO_FRAGMENT)
			break;
		if (data + off + 8 > end)
			return KAPSEL_DROP;
		at = data + off;
		off += next == IPPROTO_FRAGMENT ? 8 : (at[1] + 1) * 8;
		next = at[0];
	}
	if (next != IPPROTO_ICMPV6)
		return KAPSEL_ACCEPT;
	if (data + off + 8 > end)
		return KAPSEL_DROP;
	return *(u8 *)(data + off) != 137;
}

char LICENSE[] SEC("license") = "GPL";
