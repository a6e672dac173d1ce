// SPDX-License-Identifier: GPL-2.0-only
/* How much each socket may send: a bucket of tokens, refilled by the clock */

#include "people.h"

#define NSEC 1000000000ULL

struct bucket {
	s64 tokens;
	u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct bucket);
} buckets SEC(".maps");

const volatile u64 rate = 1000000;	/* bytes a second */
const volatile s64 burst = 100000;	/* bytes */
u64 dropped;

SEC("cgroup_skb/egress")
int limit(struct __sk_buff *skb)
{
	u64 cookie = bpf_get_socket_cookie(skb), now = bpf_ktime_get_ns(), passed;
	struct bucket *bucket, first = {};

	bucket = bpf_map_lookup_elem(&buckets, &cookie);
	if (!bucket) {
		first.tokens = burst - skb->len;
		first.last_ns = now;
		bpf_map_update_elem(&buckets, &cookie, &first, BPF_NOEXIST);
		return 1;
	}
	passed = now - bucket->last_ns;
	if (passed > NSEC)
		passed = NSEC;
	bucket->tokens += passed * rate / NSEC;
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	bucket->last_ns = now;
	if (bucket->tokens < (s64)skb->len) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	bucket->tokens -= skb->len;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
