// SPDX-License-Identifier: GPL-2.0-only
/* Programs for cli_test.sh: maps of the less common types, as objects define them */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 127 * sizeof(u64));
} stacks SEC(".maps");

SEC("kprobe/vfs_read")
int who_calls(struct pt_regs *ctx)
{
	u64 top[2];

	if (bpf_get_stack(ctx, top, sizeof(top), 0) == sizeof(top))
		bpf_get_stackid(ctx, &stacks, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
