// SPDX-License-Identifier: GPL-2.0-only
/* Refused by KV021: for cli_test.sh */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

SEC("kprobe/vfs_read")
int no_test(struct pt_regs *ctx)
{
	u32 key = 1;
	u64 *n = bpf_map_lookup_elem(&counts, &key);

	return *n;
}

char LICENSE[] SEC("license") = "GPL";
