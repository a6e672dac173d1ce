// SPDX-License-Identifier: GPL-2.0-only
/* KV029: a kernel address in a map that everybody may read */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} last SEC(".maps");

SEC("nf/inet/input")
int remember(struct __sk_buff *skb)
{
	u64 *value;
	u32 key = 0;

	value = bpf_map_lookup_elem(&last, &key);
	if (value)
		*value = (u64)skb;
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
