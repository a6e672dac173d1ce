// SPDX-License-Identifier: GPL-2.0-only
/* Walks IPv4 options and IPv6 extension headers; counts upper protocols */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

#define MAX_HEADERS 10

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} protocols SEC(".maps");

struct extension {
	u8 next;
	u8 len;
};

struct fragment {
	u8 next;
	u8 reserved;
	__be16 offset;
	__be32 id;
};

static __always_inline int walk6(void *data, void *end)
{
	struct ipv6hdr *ip = data;
	struct fragment *frag;
	struct extension *ext;
	void *at = ip + 1;
	int next, i;

	if (at > end)
		return -1;
	next = ip->nexthdr;
	for (i = 0; i < MAX_HEADERS; i++) {
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			ext = at;
			if ((void *)(ext + 1) > end)
				return -1;
			next = ext->next;
			at += (ext->len + 1) * 8;
			break;
		case IPPROTO_AH:
			ext = at;
			if ((void *)(ext + 1) > end)
				return -1;
			next = ext->next;
			at += (ext->len + 2) << 2;
			break;
		case IPPROTO_FRAGMENT:
			frag = at;
			if ((void *)(frag + 1) > end)
				return -1;
			if (frag->offset & bpf_htons(0xfff8))
				return -1;
			next = frag->next;
			at = frag + 1;
			break;
		default:
			return next;
		}
	}
	return -1;
}

static __always_inline int walk4(void *data, void *end)
{
	struct iphdr *ip = data;
	u8 *option, *stop;
	int i;

	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return -1;
	option = (u8 *)(ip + 1);
	stop = data + ip->ihl * 4;
	/* A loose or strict source route is not welcome. */
	for (i = 0; i < 40; i++) {
		if (option + 2 > stop || (void *)(option + 2) > end)
			break;
		if (*option == 0)
			break;
		if (*option == 1) {
			option++;
			continue;
		}
		if (*option == 131 || *option == 137)
			return -1;
		if (option[1] < 2)
			return -1;
		option += option[1];
	}
	return ip->protocol;
}

SEC("nf/inet/prerouting")
int count_protocols(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	int protocol = -1;
	u32 key;
	u64 *n;

	if (skb->protocol == bpf_htons(0x86dd))
		protocol = walk6(data, end);
	else if (skb->protocol == bpf_htons(0x0800))
		protocol = walk4(data, end);
	if (protocol < 0)
		return KAPSEL_DROP;
	key = protocol;
	n = bpf_map_lookup_elem(&protocols, &key);
	if (n)
		++*n;
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
