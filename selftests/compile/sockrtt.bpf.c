// SPDX-License-Identifier: GPL-2.0-only
/* Round trips of connections, as their sockets have them, and a rule by priority */

#include "people.h"

#define TCP_ESTABLISHED 1

struct flow {
	u32 remote;
	u16 port;
	u8 protocol;
	u8 family;
};

struct rtt {
	u32 least_us;
	u32 last_us;
	u64 bytes;
	u32 lost;
	u32 window;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct rtt);
} flows SEC(".maps");

const volatile u32 most_lost = 100;

static __noinline u32 smoothed(const struct bpf_tcp_sock *tp)
{
	return tp ? tp->srtt_us >> 3 : 0;
}

static __always_inline void keep(struct bpf_sock *sk, struct bpf_tcp_sock *tp)
{
	struct flow flow = {
		.remote = sk->family == 10 ? sk->dst_ip6[3] : sk->dst_ip4,
		.port = bpf_ntohs(sk->dst_port),
		.protocol = sk->protocol,
		.family = sk->family,
	};
	struct rtt new = {}, *rtt = bpf_map_lookup_elem(&flows, &flow);

	if (!rtt) {
		new.least_us = tp->rtt_min;
		bpf_map_update_elem(&flows, &flow, &new, BPF_NOEXIST);
		return;
	}
	rtt->last_us = smoothed(tp);
	if (tp->rtt_min < rtt->least_us)
		rtt->least_us = tp->rtt_min;
	rtt->bytes = tp->bytes_acked + tp->bytes_received;
	rtt->lost = tp->lost_out + tp->total_retrans;
	rtt->window = tp->snd_cwnd * tp->mss_cache;
}

SEC("cgroup_skb/egress")
int watch(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tp;

	if (!sk || sk->state != TCP_ESTABLISHED)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	tp = bpf_tcp_sock(sk);
	if (!tp)
		return 1;
	keep(sk, tp);
	return tp->lost_out <= most_lost || sk->priority > 5;
}

char LICENSE[] SEC("license") = "GPL";
