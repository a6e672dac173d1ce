// SPDX-License-Identifier: GPL-2.0-only
/* How long packets are, coming in and going out: histograms by powers of two */

#include "kapsel.bpf.h"

#define SLOTS 17

struct lengths {
	u64 packets[SLOTS];
	u64 bytes;
};

enum direction {
	INCOMING,
	OUTGOING,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, enum direction);
	__type(value, struct lengths);
} lengths SEC(".maps");

struct search {
	u32 len;
	u32 slot;
};

/* Ends with slot the number of the highest bit of len. */
static long halve(u32 index, struct search *search)
{
	search->len >>= 1;
	if (!search->len)
		return 1;
	search->slot = index + 1;
	return 0;
}

static __always_inline int count(struct __sk_buff *skb, u32 direction)
{
	struct search search = { .len = skb->len };
	struct lengths *to = bpf_map_lookup_elem(&lengths, &direction);
	u32 slot;

	if (!to)
		return KAPSEL_ACCEPT;
	bpf_loop(SLOTS - 1, halve, &search, 0);
	slot = search.slot;
	if (slot < SLOTS)
		to->packets[slot]++;
	to->bytes += skb->len;
	return KAPSEL_ACCEPT;
}

SEC("cgroup_skb/ingress")
int incoming(struct __sk_buff *skb)
{
	return count(skb, INCOMING);
}

SEC("cgroup_skb/egress")
int outgoing(struct __sk_buff *skb)
{
	return count(skb, OUTGOING);
}

char LICENSE[] SEC("license") = "GPL";
