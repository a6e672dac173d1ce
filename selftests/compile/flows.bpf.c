// SPDX-License-Identifier: GPL-2.0-only
/* State of each flow, by a key of both addresses and ports, IPv4 and IPv6 */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

struct flow_key {
	union {
		__be32 v4;
		__be32 v6[4];
	} source, dest;
	__be16 source_port;
	__be16 dest_port;
	u8 protocol;
	u8 family;
};

enum tcp_state { NEW, OPEN, CLOSING, CLOSED };

struct flow {
	u64 first;
	u64 last;
	u64 packets;
	u64 bytes;
	u32 state;
	u32 resets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

static __always_inline void *addresses(void *data, void *end, struct flow_key *key)
{
	struct ipv6hdr *ip6 = data;
	struct iphdr *ip = data;

	if ((void *)(ip + 1) > end)
		return NULL;
	if (ip->version == 4) {
		key->family = 4;
		key->protocol = ip->protocol;
		key->source.v4 = ip->saddr;
		key->dest.v4 = ip->daddr;
		return data + ip->ihl * 4;
	}
	if (ip->version != 6 || (void *)(ip6 + 1) > end)
		return NULL;
	key->family = 6;
	key->protocol = ip6->nexthdr;
	__builtin_memcpy(key->source.v6, &ip6->saddr, sizeof(ip6->saddr));
	__builtin_memcpy(key->dest.v6, &ip6->daddr, sizeof(ip6->daddr));
	return ip6 + 1;
}

static __always_inline u32 next_state(u32 state, const struct tcphdr *tcp)
{
	if (tcp->rst)
		return CLOSED;
	switch (state) {
	case NEW:
		return tcp->ack && !tcp->syn ? OPEN : NEW;
	case OPEN:
		return tcp->fin ? CLOSING : OPEN;
	case CLOSING:
		return tcp->fin ? CLOSED : CLOSING;
	}
	return state;
}

static __always_inline void update(struct flow *flow, struct tcphdr *tcp, u32 len)
{
	flow->last = bpf_ktime_get_ns();
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, len);
	if (!tcp)
		return;
	flow->state = next_state(flow->state, tcp);
	if (tcp->rst)
		flow->resets++;
}

static __always_inline int track(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct flow_key key = {};
	struct flow *flow, fresh = {};
	struct tcphdr *tcp = NULL;
	struct udphdr *udp;
	void *l4;

	l4 = addresses(data, end, &key);
	if (!l4)
		return KAPSEL_ACCEPT;
	switch (key.protocol) {
	case IPPROTO_TCP:
		tcp = l4;
		if ((void *)(tcp + 1) > end)
			return KAPSEL_DROP;
		key.source_port = tcp->source;
		key.dest_port = tcp->dest;
		break;
	case IPPROTO_UDP:
		udp = l4;
		if ((void *)(udp + 1) > end)
			return KAPSEL_DROP;
		key.source_port = udp->source;
		key.dest_port = udp->dest;
		break;
	default:
		return KAPSEL_ACCEPT;
	}
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		fresh.first = bpf_ktime_get_ns();
		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!flow)
			return KAPSEL_ACCEPT;
	}
	update(flow, tcp, skb->len);
	if (tcp && flow->state == CLOSED)
		bpf_map_delete_elem(&flows, &key);
	return KAPSEL_ACCEPT;
}

SEC("cgroup_skb/ingress")
int flow_in(struct __sk_buff *skb)
{
	return track(skb);
}

SEC("nf/inet/output")
int flow_out(struct __sk_buff *skb)
{
	return track(skb);
}

char LICENSE[] SEC("license") = "GPL";
