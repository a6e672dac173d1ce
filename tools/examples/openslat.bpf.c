// SPDX-License-Identifier: GPL-2.0-only
/* How long opening a file takes: a histogram by powers of two, and failures */

#include "kapsel.bpf.h"

#define SLOTS 32

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u64);
} started SEC(".maps");

/* Slot n counts what took 2^n to 2^(n+1) microseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, u64);
} micros SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, s32);
	__type(value, u64);
} failures SEC(".maps");

SEC("kprobe/do_sys_openat2")
int open_enter(struct pt_regs *ctx)
{
	u64 task = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&started, &task, &now, BPF_ANY);
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

static __always_inline void count_failure(s32 error)
{
	u64 one = 1, *n = bpf_map_lookup_elem(&failures, &error);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&failures, &error, &one, BPF_NOEXIST);
}

SEC("kretprobe/do_sys_openat2")
int open_leave(struct pt_regs *ctx)
{
	u64 task = bpf_get_current_pid_tgid(), *start, *n;
	s32 ret = PT_REGS_RC(ctx);
	u32 slot;

	start = bpf_map_lookup_elem(&started, &task);
	if (!start)
		return 0;
	slot = log2_of((bpf_ktime_get_ns() - *start) / 1000);
	n = bpf_map_lookup_elem(&micros, &slot);
	if (n)
		*n += 1;
	if (ret < 0)
		count_failure(ret);
	bpf_map_delete_elem(&started, &task);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
