// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long functions of the kernel take, system calls for example: a histogram for each,
 * and an event for each call that takes longer than a millisecond
 *	kapsel run --set min_us=5000 slowcalls.bpf.o
 *	kapsel run --hook 'enter=kprobe:vfs_*' --hook 'leave=kretprobe:vfs_*' slowcalls.bpf.o
 */

#include "kapsel.bpf.h"

#define SLOTS 32

const volatile u64 min_us = 1000;

struct slow_event {
	u64 ts;
	u32 pid;
	char comm[16];
	void *function;
	u64 us;
};

KAPSEL_EVENT(struct slow_event);

struct call {
	u64 task;
	u64 function;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct call);
	__type(value, u64);
} running SEC(".maps");

/* Slot n counts what took 2^n to 2^(n+1) - 1 nanoseconds. */
struct histogram {
	u64 calls;
	u64 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, void *);
	__type(value, struct histogram);
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} slow SEC(".maps");

static const struct histogram nothing;

SEC("kprobe.multi/__x64_sys_*")
int enter(struct pt_regs *ctx)
{
	struct call call = { bpf_get_current_pid_tgid(), bpf_get_func_ip(ctx) };
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&running, &call, &now, BPF_ANY);
	return 0;
}

static __noinline u32 log2_of(u64 value)
{
	u32 n = 0, i;

	for (i = 0; i < SLOTS - 1; i++) {
		value >>= 1;
		if (!value)
			break;
		n++;
	}
	return n;
}

static __always_inline void count(u64 function, u64 ns)
{
	struct histogram *hist = bpf_map_lookup_elem(&latency, &function);
	u32 slot = log2_of(ns);

	if (!hist) {
		bpf_map_update_elem(&latency, &function, &nothing, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latency, &function);
	}
	if (!hist || slot >= SLOTS)
		return;
	__sync_fetch_and_add(&hist->calls, 1);
	__sync_fetch_and_add(&hist->slots[slot], 1);
}

static __always_inline void report(const struct call *call, u64 start, u64 us)
{
	struct slow_event *event = bpf_ringbuf_reserve(&slow, sizeof(*event), 0);

	if (!event)
		return;
	event->ts = start;
	event->pid = call->task >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->function = (void *)call->function;
	event->us = us;
	bpf_ringbuf_submit(event, 0);
}

SEC("kretprobe.multi/__x64_sys_*")
int leave(struct pt_regs *ctx)
{
	struct call call = { bpf_get_current_pid_tgid(), bpf_get_func_ip(ctx) };
	u64 *start = bpf_map_lookup_elem(&running, &call), ns;

	if (!start)
		return 0;
	ns = bpf_ktime_get_ns() - *start;
	count(call.function, ns);
	if (ns / 1000 >= min_us)
		report(&call, *start, ns / 1000);
	bpf_map_delete_elem(&running, &call);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
