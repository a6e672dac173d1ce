// SPDX-License-Identifier: GPL-2.0-only
/* Sets of ports: a bitmap, ranges in a map, a list of constants */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

struct range {
	u16 first;
	u16 last;
	u32 action;
};

struct bitmap {
	u64 words[1024];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bitmap);
} open_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, struct range);
} ranges SEC(".maps");

const volatile u16 always[8] = { 22, 53, 80, 443 };

static __always_inline int port_of(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	struct udphdr *udp;

	if (data + sizeof(*ip) > end || ip->version != 4)
		return -1;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return -1;
	udp = data + (ip->ihl & 15) * 4;
	if ((void *)udp + 4 > end)
		return -1;
	return bpf_ntohs(udp->dest);
}

SEC("nf/inet/input")
int by_bitmap(struct __sk_buff *skb)
{
	int port = port_of(skb);
	struct bitmap *map;
	u32 zero = 0;

	if (port < 0)
		return KAPSEL_ACCEPT;
	map = bpf_map_lookup_elem(&open_ports, &zero);
	if (!map)
		return KAPSEL_ACCEPT;
	return map->words[port >> 6] >> (port & 63) & 1;
}

SEC("nf/inet/forward")
int by_ranges(struct __sk_buff *skb)
{
	int port = port_of(skb);
	u32 i;

	if (port < 0)
		return KAPSEL_ACCEPT;
	for (i = 0; i < 8 && always[i]; i++)
		if (always[i] == port)
			return KAPSEL_ACCEPT;
	for (i = 0; i < 16; i++) {
		struct range *range = bpf_map_lookup_elem(&ranges, &i);

		if (!range)
			break;
		if (port >= range->first && port <= range->last)
			return range->action ? KAPSEL_ACCEPT : KAPSEL_DROP;
	}
	return KAPSEL_DROP;
}

char LICENSE[] SEC("license") = "GPL";
