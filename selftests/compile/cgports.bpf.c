// SPDX-License-Identifier: GPL-2.0-only
/* Ports that the programs of a cgroup may not talk to, IPv4 and IPv6 */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "people.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u16);
	__type(value, u64);
} denied SEC(".maps");

struct ports {
	__be16 source;
	__be16 dest;
};

SEC("cgroup_skb/egress")
int deny(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ipv6hdr *ip6 = data;
	struct iphdr *ip = data;
	struct ports ports;
	u32 off;
	u8 proto;
	u16 port;
	u64 *hits;

	switch (skb->protocol) {
	case bpf_htons(ETH_P_IP):
		if ((void *)(ip + 1) > end)
			return 0;
		off = ip->ihl * 4;
		proto = ip->protocol;
		break;
	case bpf_htons(ETH_P_IPV6):
		if ((void *)(ip6 + 1) > end)
			return 0;
		off = sizeof(*ip6);
		proto = ip6->nexthdr;
		break;
	default:
		return 1;
	}
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 1;
	if (bpf_skb_load_bytes(skb, off, &ports, sizeof(ports)) < 0)
		return 0;
	port = bpf_ntohs(ports.dest);
	hits = bpf_map_lookup_elem(&denied, &port);
	if (!hits)
		return 1;
	__sync_fetch_and_add(hits, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
