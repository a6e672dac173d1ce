// SPDX-License-Identifier: GPL-2.0-only
/* A name on the stack that begins and ends as zeroes, and is cut somewhere */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[16]);
	__type(value, u64);
} names SEC(".maps");

u64 empty[2];

SEC("kprobe/vfs_open")
int cut(struct pt_regs *ctx)
{
	u32 at = PT_REGS_PARM2(ctx) & 15;
	volatile char name[16] = {};
	u64 *n, one = 1;

	name[at] = 0;
	empty[*(volatile u64 *)name]++;
	bpf_get_current_comm((char *)name, sizeof(name));
	name[at] = 0;
	n = bpf_map_lookup_elem(&names, (char *)name);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&names, (char *)name, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
