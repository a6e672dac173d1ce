// SPDX-License-Identifier: GPL-2.0-only
/* A sliding-window rate limit: eight slots of a second, per source address */
#include "kapsel.bpf.h"

#define SLOTS 8

struct window {
	u64 slot[SLOTS];
	u32 last;
	u32 total;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct window);
} windows SEC(".maps");

SEC("nf/ip/input")
int limit(struct __sk_buff *skb)
{
	u32 now = bpf_ktime_get_ns() >> 30, key = 0, i, gone;
	struct window fresh = {}, *w;
	u64 sum = 0;

	if (bpf_skb_load_bytes(skb, 12, &key, sizeof(key)))
		return KAPSEL_ACCEPT;
	w = bpf_map_lookup_elem(&windows, &key);
	if (!w) {
		fresh.last = now;
		fresh.slot[now % SLOTS] = 1;
		bpf_map_update_elem(&windows, &key, &fresh, BPF_ANY);
		return KAPSEL_ACCEPT;
	}
	gone = now - w->last;
	if (gone > SLOTS)
		gone = SLOTS;
	for (i = 1; i <= gone; i++)
		w->slot[(w->last + i) % SLOTS] = 0;
	w->last = now;
	w->slot[now % SLOTS]++;
	for (i = 0; i < SLOTS; i++)
		sum += w->slot[i];
	return sum > 100 ? KAPSEL_DROP : KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
