// SPDX-License-Identifier: GPL-2.0-only
/* IP options, each at an offset that those before it lead to */
#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} types SEC(".maps");

SEC("nf/ip/input")
int options(struct __sk_buff *skb)
{
	const u8 *p = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *opt, *stop;
	u32 ihl, i, key;
	u64 *count;

	if (p + 20 > end)
		return KAPSEL_ACCEPT;
	ihl = (p[0] & 15) * 4;
	if (ihl < 20 || p + ihl > end)
		return KAPSEL_DROP;
	opt = p + 20;
	stop = p + ihl;
	for (i = 0; i < 40; i++) {
		if (opt + 1 > stop || opt + 2 > end)
			break;
		key = opt[0];
		count = bpf_map_lookup_elem(&types, &key);
		if (count)
			__sync_fetch_and_add(count, 1);
		if (!key)
			break;
		if (key == 1) {
			opt++;
			continue;
		}
		if (opt[1] < 2)
			return KAPSEL_DROP;
		opt += opt[1];
	}
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
