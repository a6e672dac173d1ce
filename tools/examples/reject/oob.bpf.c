// SPDX-License-Identifier: GPL-2.0-only
/* KV034: the index is signed and only its upper bound is tested */

#include "kapsel.bpf.h"

struct buf {
	s16 len;
	char bytes[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct buf);
} buf SEC(".maps");

SEC("kprobe/vfs_read")
int pick(struct pt_regs *ctx)
{
	struct buf *value;
	u32 key = 0;
	long len;

	value = bpf_map_lookup_elem(&buf, &key);
	if (!value)
		return 0;
	len = value->len;
	if (len > 63)
		return 0;
	return value->bytes[len];
}

char LICENSE[] SEC("license") = "GPL";
