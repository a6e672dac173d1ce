// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long TCP connections take to be made, from connect() to the answer: an event for
 * each, and a histogram. A lower bound:
 *	kapsel run --set min_us=1000 tcpconnlat.bpf.o
 */

#include "kapsel.bpf.h"

#define AF_INET6 10
#define SLOTS 24

const volatile u64 min_us;

/* As much of the kernel's types as is read; the loader finds where it lies. */
struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct connect_event {
	u64 ts;
	u32 pid;
	char comm[16];
	u16 family;
	u16 port;
	u8 to[16];
	u64 us;
};

KAPSEL_EVENT(struct connect_event);

struct begun {
	u64 ts;
	u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct begun);
} connecting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} connects SEC(".maps");

/* Slot n counts what took 2^n to 2^(n+1) - 1 microseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, u64);
} us_hist SEC(".maps");

static __always_inline int begin(struct pt_regs *ctx)
{
	struct begun begun = {};
	u64 sock = PT_REGS_PARM1(ctx);

	begun.ts = bpf_ktime_get_ns();
	begun.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(begun.comm, sizeof(begun.comm));
	bpf_map_update_elem(&connecting, &sock, &begun, BPF_ANY);
	return 0;
}

SEC("kprobe/tcp_v4_connect")
int connect4(struct pt_regs *ctx)
{
	return begin(ctx);
}

SEC("kprobe/tcp_v6_connect")
int connect6(struct pt_regs *ctx)
{
	return begin(ctx);
}

static __always_inline void count(u64 us)
{
	u32 slot = 0;
	u64 *n;

	while (us > 1 && slot < SLOTS - 1) {
		us >>= 1;
		slot++;
	}
	n = bpf_map_lookup_elem(&us_hist, &slot);
	if (n)
		*n += 1;
}

static __always_inline void report(struct sock *sock, const struct begun *begun, u64 us)
{
	struct connect_event *event = bpf_ringbuf_reserve(&connects, sizeof(*event), 0);
	__be16 port = 0;

	if (!event)
		return;
	event->ts = begun->ts;
	event->pid = begun->pid;
	__builtin_memcpy(event->comm, begun->comm, sizeof(event->comm));
	event->us = us;
	bpf_probe_read_kernel(&event->family, sizeof(event->family),
			      &sock->__sk_common.skc_family);
	bpf_probe_read_kernel(&port, sizeof(port), &sock->__sk_common.skc_dport);
	event->port = bpf_ntohs(port);
	__builtin_memset(event->to, 0, sizeof(event->to));
	if (event->family == AF_INET6)
		bpf_probe_read_kernel(event->to, 16, &sock->__sk_common.skc_v6_daddr);
	else
		bpf_probe_read_kernel(event->to, 4, &sock->__sk_common.skc_daddr);
	bpf_ringbuf_submit(event, 0);
}

/* tcp_finish_connect(struct sock *sk, struct sk_buff *skb): the answer has come */
SEC("kprobe/tcp_finish_connect")
int connected(struct pt_regs *ctx)
{
	u64 sock = PT_REGS_PARM1(ctx), us;
	struct begun *begun = bpf_map_lookup_elem(&connecting, &sock);

	if (!begun)
		return 0;
	us = (bpf_ktime_get_ns() - begun->ts) / 1000;
	count(us);
	if (us >= min_us)
		report((void *)sock, begun, us);
	bpf_map_delete_elem(&connecting, &sock);
	return 0;
}

/* A connection that comes to nothing. */
SEC("kprobe/tcp_v4_destroy_sock")
int ended(struct pt_regs *ctx)
{
	u64 sock = PT_REGS_PARM1(ctx);

	bpf_map_delete_elem(&connecting, &sock);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
