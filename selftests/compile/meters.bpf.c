// SPDX-License-Identifier: GPL-2.0-only
/* A token bucket for each source address, kept whole by a lock, and one for all of them */

#include <linux/ip.h>

#include "kapsel.bpf.h"

#define SECOND 1000000000ull

struct bucket {
	struct bpf_spin_lock lock;
	u64 last;
	u64 tokens;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bucket);
} all SEC(".maps");

const volatile u64 rate = 1000;
const volatile u64 burst = 100;

static __always_inline int take(struct bucket *b, u64 now)
{
	u64 gained;
	int taken = 0;

	bpf_spin_lock(&b->lock);
	gained = (now - b->last) * rate / SECOND;
	if (gained) {
		u64 tokens = b->tokens + gained;

		b->tokens = tokens > burst ? burst : tokens;
		b->last = now;
	}
	if (b->tokens) {
		b->tokens--;
		taken = 1;
	}
	bpf_spin_unlock(&b->lock);
	return taken;
}

SEC("cgroup_skb/ingress")
int limit(struct __sk_buff *skb)
{
	struct bucket *b, full = {};
	u64 now = bpf_ktime_get_ns();
	struct iphdr ip;
	u32 zero = 0;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) < 0 || ip.version != 4)
		return 1;
	b = bpf_map_lookup_elem(&all, &zero);
	if (b && !take(b, now))
		return 0;
	b = bpf_map_lookup_elem(&buckets, &ip.saddr);
	if (b)
		return take(b, now);
	full.last = now;
	full.tokens = burst;
	bpf_map_update_elem(&buckets, &ip.saddr, &full, BPF_NOEXIST);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
