// SPDX-License-Identifier: GPL-2.0-only
/* KV071: how long the loop runs depends on what the kernel's memory says */

#include "kapsel.bpf.h"

struct list {
	struct list *next;
};

SEC("kprobe/vfs_read")
int walk(struct pt_regs *ctx)
{
	struct list *at = (void *)PT_REGS_PARM1(ctx);
	u32 n = 0;

	while (at) {
		bpf_probe_read_kernel(&at, sizeof(at), &at->next);
		n++;
	}
	return n;
}

char LICENSE[] SEC("license") = "GPL";
