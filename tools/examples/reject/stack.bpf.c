// SPDX-License-Identifier: GPL-2.0-only
/* KV016: two functions, one calling the other, with more stack than there is for both */

#include "kapsel.bpf.h"

static __noinline int inner(u64 from)
{
	char copy[300] = {};

	bpf_probe_read_kernel(copy, sizeof(copy), (void *)from);
	return copy[7] + copy[299];
}

SEC("kprobe/vfs_read")
int outer(struct pt_regs *ctx)
{
	char copy[300] = {};

	bpf_probe_read_kernel(copy, sizeof(copy), (void *)PT_REGS_PARM1(ctx));
	return copy[7] + inner(PT_REGS_PARM2(ctx)) + copy[299];
}

char LICENSE[] SEC("license") = "GPL";
