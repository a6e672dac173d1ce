// SPDX-License-Identifier: GPL-2.0-only
/* Who removes files, and how many: the program of README.md */

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
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, comm, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
