// SPDX-License-Identifier: GPL-2.0-only
/* A token bucket for each source address: at most so many packets a second */

#include <linux/ip.h>

#include "kapsel.bpf.h"

#define SECOND 1000000000ull

struct bucket {
	u64 last;
	u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

const volatile u64 rate = 1000;
const volatile u64 burst = 100;
const volatile int log_drops;

u64 dropped;
u64 passed;

static __always_inline int take(struct bucket *b, u64 now)
{
	u64 elapsed = now - b->last, gained = elapsed * rate / SECOND;

	if (gained) {
		u64 tokens = b->tokens + gained;

		b->tokens = tokens > burst ? burst : tokens;
		b->last += rate ? gained * SECOND / rate : elapsed;
	}
	if (!b->tokens)
		return 0;
	b->tokens--;
	return 1;
}

SEC("nf/inet/input")
int limit(struct __sk_buff *skb)
{
	u64 now = bpf_ktime_get_ns();
	struct iphdr ip;
	struct bucket *b, full;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) < 0 || ip.version != 4)
		return KAPSEL_ACCEPT;
	b = bpf_map_lookup_elem(&buckets, &ip.saddr);
	if (!b) {
		full.last = now;
		full.tokens = burst - 1;
		bpf_map_update_elem(&buckets, &ip.saddr, &full, BPF_ANY);
		return KAPSEL_ACCEPT;
	}
	if (take(b, now)) {
		__sync_fetch_and_add(&passed, 1);
		return KAPSEL_ACCEPT;
	}
	__sync_fetch_and_add(&dropped, 1);
	if (log_drops)
		bpf_printk("dropped %x, %d bytes", ip.saddr, skb->len);
	return KAPSEL_DROP;
}

char LICENSE[] SEC("license") = "GPL";
