// SPDX-License-Identifier: GPL-2.0-only
/* Headers found by a function of its own, that hands back where they are and how much follows */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct headers {
	struct iphdr *ip;
	struct tcphdr *tcp;
	void *payload;
	u32 len;
};

static __noinline int find(struct __sk_buff *skb, struct headers *h)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	h->ip = data;
	if (data + sizeof(*h->ip) > end)
		return -1;
	if (h->ip->protocol != IPPROTO_TCP || h->ip->ihl < 5)
		return -2;
	h->tcp = data + h->ip->ihl * 4;
	if ((void *)(h->tcp + 1) > end)
		return -3;
	h->payload = (void *)h->tcp + h->tcp->doff * 4;
	if (h->payload > end)
		return -4;
	h->len = end - h->payload;
	return 0;
}

SEC("cgroup_skb/egress")
int requests(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct headers h;
	u32 key;
	u64 *n;

	if (find(skb, &h))
		return KAPSEL_ACCEPT;
	if (h.payload + 4 <= end && *(u32 *)h.payload == 0x20544547)
		key = 0;
	else
		key = h.len > 1000 ? 1 : 2;
	n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		*n += h.len;
	return h.tcp->dest != bpf_htons(23);
}

char LICENSE[] SEC("license") = "GPL";
