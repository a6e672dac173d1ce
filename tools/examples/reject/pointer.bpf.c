// SPDX-License-Identifier: GPL-2.0-only
/* KV022: kernel memory is not read through its address */

#include "kapsel.bpf.h"

struct path;

SEC("kprobe/vfs_open")
int open(struct pt_regs *ctx)
{
	u64 *mount = (u64 *)PT_REGS_PARM1(ctx);

	return *mount != 0;
}

char LICENSE[] SEC("license") = "GPL";
