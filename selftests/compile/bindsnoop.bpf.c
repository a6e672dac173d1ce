// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that are bound: what they are bound to is known when the function returns */

#include "people.h"

#define AF_INET6 10

struct socket {
	short type;
	struct sock *sk;
} CORE;

struct in6_addr {
	u8 bytes[16];
};

struct sock_common___six {
	int skc_bound_dev_if;
	struct in6_addr skc_v6_rcv_saddr;
} CORE;

struct sock___six {
	struct sock_common___six __sk_common;
	u16 sk_protocol;
} CORE;

struct event {
	u64 ts;
	u32 pid;
	u32 dev;
	int ret;
	u16 port;
	u16 proto;
	u8 version;
	u8 addr[16];
	char comm[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct socket *);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u16);
	__type(value, bool);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

const volatile bool by_port;

static __always_inline int entry(struct socket *socket)
{
	u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&sockets, &tid, &socket, BPF_ANY);
	return 0;
}

static __always_inline void fill(struct event *e, struct sock *sk, u16 port, int ret)
{
	struct sock___six *six = (void *)sk;

	e->ts = bpf_ktime_get_ns() / 1000;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->dev = BPF_CORE_READ(six, __sk_common.skc_bound_dev_if);
	e->proto = BPF_CORE_READ(six, sk_protocol);
	e->ret = ret;
	e->port = port;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		e->version = 6;
		bpf_core_read(e->addr, 16, &six->__sk_common.skc_v6_rcv_saddr);
	} else {
		e->version = 4;
		bpf_core_read(e->addr, 4, &sk->__sk_common.skc_rcv_saddr);
	}
}

static __always_inline int leave(int ret)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct socket **socket = bpf_map_lookup_elem(&sockets, &tid);
	struct event *e;
	struct sock *sk;
	u16 port;

	if (!socket)
		return 0;
	sk = BPF_CORE_READ(*socket, sk);
	port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (by_port && !bpf_map_lookup_elem(&ports, &port))
		goto cleanup;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		goto cleanup;
	__builtin_memset(e, 0, sizeof(*e));
	fill(e, sk, port, ret);
	bpf_ringbuf_submit(e, 0);
cleanup:
	bpf_map_delete_elem(&sockets, &tid);
	return 0;
}

SEC("kprobe/inet_bind")
int BPF_KPROBE(bind4, struct socket *socket) { return entry(socket); }

SEC("kretprobe/inet_bind")
int BPF_KRETPROBE(bound4, int ret) { return leave(ret); }

SEC("kprobe/inet6_bind")
int BPF_KPROBE(bind6, struct socket *socket) { return entry(socket); }

SEC("kretprobe/inet6_bind")
int BPF_KRETPROBE(bound6, int ret) { return leave(ret); }

char LICENSE[] SEC("license") = "GPL";
