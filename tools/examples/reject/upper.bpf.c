// SPDX-License-Identifier: GPL-2.0-only
/* KV035: one element further than the array goes */

#include "kapsel.bpf.h"

#define SLOTS 32

struct slots {
	u64 n[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slots);
} slots SEC(".maps");

SEC("kprobe/vfs_read")
int count(struct pt_regs *ctx)
{
	u64 slot = PT_REGS_PARM3(ctx) / 4096;
	struct slots *value;
	u32 key = 0;

	value = bpf_map_lookup_elem(&slots, &key);
	if (value && slot <= SLOTS)
		value->n[slot]++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
