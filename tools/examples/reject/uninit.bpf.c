// SPDX-License-Identifier: GPL-2.0-only
/* KV025: bytes of the key that nobody wrote */

#include "kapsel.bpf.h"

struct flow {
	u8 proto;
	u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct flow);
	__type(value, u64);
} flows SEC(".maps");

SEC("nf/inet/input")
int count(struct __sk_buff *skb)
{
	struct flow flow;
	u64 *n;

	flow.proto = skb->protocol;
	flow.mark = skb->mark;
	n = bpf_map_lookup_elem(&flows, &flow);
	if (n)
		__sync_fetch_and_add(n, 1);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
