// SPDX-License-Identifier: GPL-2.0-only
/* KV070: the loop waits for something that never happens */

#include "kapsel.bpf.h"

SEC("kprobe/vfs_read")
int wait(struct pt_regs *ctx)
{
	volatile int ready = 0;

	while (!ready)
		;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
