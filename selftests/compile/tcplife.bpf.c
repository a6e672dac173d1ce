// SPDX-License-Identifier: GPL-2.0-only
/* Lives of TCP connections: who had them, how long, how much went each way */

#include "people.h"

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_FIN_WAIT1 4
#define TCP_CLOSE 7
#define TCP_LAST_ACK 9
#define AF_INET 2

struct owner {
	char comm[COMM];
	u32 pid;
};

struct event {
	u64 born_ns;
	u64 rx;
	u64 tx;
	__be32 saddr;
	__be32 daddr;
	u16 sport;
	u16 dport;
	struct owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct sock *);
	__type(value, u64);
} births SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct sock *);
	__type(value, struct owner);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

const volatile u16 target_sport;

static __always_inline void remember(struct sock *sk)
{
	struct owner owner = {};

	owner.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(owner.comm, sizeof(owner.comm));
	bpf_map_update_elem(&owners, &sk, &owner, BPF_ANY);
}

static __always_inline void report(struct sock *sk, u64 born)
{
	struct owner *owner = bpf_map_lookup_elem(&owners, &sk);
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct event *e;

	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e));
	e->born_ns = born;
	BPF_CORE_READ_INTO(&e->rx, tp, bytes_received);
	BPF_CORE_READ_INTO(&e->tx, tp, bytes_acked);
	BPF_CORE_READ_INTO(&e->saddr, sk, __sk_common.skc_rcv_saddr);
	BPF_CORE_READ_INTO(&e->daddr, sk, __sk_common.skc_daddr);
	e->sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	e->dport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (owner)
		e->owner = *owner;
	bpf_ringbuf_submit(e, 0);
}

SEC("kprobe/tcp_set_state")
int BPF_KPROBE(state_changes, struct sock *sk, int state)
{
	u64 now, *born;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET)
		return 0;
	if (target_sport && target_sport != BPF_CORE_READ(sk, __sk_common.skc_num))
		return 0;
	if (state < TCP_FIN_WAIT1) {
		now = bpf_ktime_get_ns();
		bpf_map_update_elem(&births, &sk, &now, BPF_ANY);
	}
	if (state == TCP_SYN_SENT || state == TCP_LAST_ACK)
		remember(sk);
	if (state != TCP_CLOSE)
		return 0;
	born = bpf_map_lookup_elem(&births, &sk);
	if (born)
		report(sk, bpf_ktime_get_ns() - *born);
	bpf_map_delete_elem(&births, &sk);
	bpf_map_delete_elem(&owners, &sk);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
