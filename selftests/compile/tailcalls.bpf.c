// SPDX-License-Identifier: GPL-2.0-only
/* A parser in stages, each of which goes on in the next by a tail call */

#include <linux/ip.h>

#include "kapsel.bpf.h"

int parse_tcp(struct __sk_buff *skb);
int parse_udp(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
	__array(values, int(void *));
} protocols SEC(".maps") = {
	.values = {
		[6] = (void *)&parse_tcp,
		[17] = (void *)&parse_udp,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u64);
} seen SEC(".maps");

static __always_inline void count(u32 what)
{
	u64 *n = bpf_map_lookup_elem(&seen, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("?nf/inet/input")
int parse_tcp(struct __sk_buff *skb)
{
	count(0);
	return 1;
}

/* It, too, goes on, and comes here again if there is nobody else. */
SEC("?nf/inet/input")
int parse_udp(struct __sk_buff *skb)
{
	count(1);
	if (skb->mark++ < 3)
		bpf_tail_call(skb, &protocols, 17);
	return 1;
}

static __noinline int refuse(struct __sk_buff *skb)
{
	count(2);
	return skb->len > 1500 ? 0 : 1;
}

SEC("nf/inet/input")
int parse(struct __sk_buff *skb)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
		return 1;
	bpf_tail_call(skb, &protocols, ip.protocol);
	return refuse(skb);
}

char LICENSE[] SEC("license") = "GPL";
