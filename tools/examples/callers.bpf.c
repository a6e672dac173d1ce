// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who calls a function: each way that leads there, as a stack of calls, and how often
 *	kapsel run --for 10s callers.bpf.o
 *	kapsel run --hook kprobe:tcp_sendmsg callers.bpf.o -- curl -s localhost
 */

#include "kapsel.bpf.h"

#define FRAMES 32

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1024);
	__uint(key_size, sizeof(u32));
	__uint(value_size, FRAMES * sizeof(u64));
} stacks SEC(".maps");

struct caller {
	s32 stack;	/* in stacks; negative: why there is none */
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct caller);
	__type(value, u64);
} calls SEC(".maps");

SEC("kprobe/vfs_fsync_range")
int called(struct pt_regs *ctx)
{
	struct caller caller = {};
	u64 one = 1, *n;

	caller.stack = bpf_get_stackid(ctx, &stacks, 0);
	bpf_get_current_comm(caller.comm, sizeof(caller.comm));
	n = bpf_map_lookup_elem(&calls, &caller);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&calls, &caller, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
