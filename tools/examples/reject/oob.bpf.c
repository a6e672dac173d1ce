// SPDX-License-Identifier: GPL-2.0-only
/* Refused: the index is signed and only its upper bound is tested */

#include "kapsel.bpf.h"

struct buf {
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
	struct buf *buf_value;
	int len = PT_REGS_PARM3(ctx);
	u32 key = 0;

	buf_value = bpf_map_lookup_elem(&buf, &key);
	if (!buf_value)
		return 0;
	if (len > 63)
		return 0;
	return buf_value->bytes[len];
}

char LICENSE[] SEC("license") = "GPL";
