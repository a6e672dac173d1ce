// SPDX-License-Identifier: GPL-2.0-only
/* KV021: nothing tests whether the lookup found anything */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, char[16]);
	__type(value, u64);
} counts SEC(".maps");

SEC("kprobe/vfs_unlink")
int count_unlink(struct pt_regs *ctx)
{
	char comm[16];
	u64 one = 1, *n;

	bpf_get_current_comm(comm, sizeof(comm));
	n = bpf_map_lookup_elem(&counts, comm);
	*n += one;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
