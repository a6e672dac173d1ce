// SPDX-License-Identifier: GPL-2.0-only
/* A binary search, as people bound it */
#include "kapsel.bpf.h"

#define ENTRIES 64

struct table {
	u32 nr;
	u32 key[ENTRIES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct table);
} tables SEC(".maps");

SEC("nf/ip/input")
int find(struct __sk_buff *skb)
{
	u32 zero = 0, lo = 0, hi, mid, i, key = skb->len;
	struct table *t = bpf_map_lookup_elem(&tables, &zero);

	if (!t)
		return KAPSEL_ACCEPT;
	hi = t->nr;
	if (hi > ENTRIES)
		return KAPSEL_ACCEPT;
	for (i = 0; i < 8 && lo < hi; i++) {
		mid = (lo + hi) / 2;
		if (mid >= ENTRIES)
			break;
		if (t->key[mid] == key)
			return KAPSEL_DROP;
		if (t->key[mid] < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
