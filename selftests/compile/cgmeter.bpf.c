// SPDX-License-Identifier: GPL-2.0-only
/* A cgroup's bytes of each direction; beyond a rate, packets are marked, else dropped */

#include "kapsel.bpf.h"

#define A_SECOND 1000000000ULL

struct meter {
	struct bpf_spin_lock lock;
	u32 marked;
	u64 since;
	u64 bytes;
	u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct meter);
} meters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, u64);
} packets SEC(".maps");

const volatile u64 most_bytes = 1 << 20;

static bool is_too_much(struct meter *meter, u32 len, u64 now)
{
	bool over;

	bpf_spin_lock(&meter->lock);
	if (now - meter->since > A_SECOND) {
		meter->since = now;
		meter->bytes = 0;
	}
	meter->bytes += len;
	over = meter->bytes > most_bytes;
	bpf_spin_unlock(&meter->lock);
	return over;
}

SEC("cgroup_skb/egress")
int limit(struct __sk_buff *skb)
{
	struct meter *meter = bpf_get_local_storage(&meters, 0);
	u64 *count = bpf_get_local_storage(&packets, 0);
	struct bpf_sock *sk = skb->sk;

	*count += 1;
	/* Answers of listeners are few. */
	if (sk && bpf_get_listener_sock(sk))
		return 1;
	if (!is_too_much(meter, skb->len, bpf_ktime_get_ns()))
		return 1;
	if (bpf_skb_ecn_set_ce(skb)) {
		__sync_fetch_and_add(&meter->marked, 1);
		return 1;
	}
	__sync_fetch_and_add(&meter->dropped, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
