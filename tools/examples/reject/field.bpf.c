// SPDX-License-Identifier: GPL-2.0-only
/* KV040: a field that this kernel's type does not have */

#include "kapsel.bpf.h"

struct task_struct {
	int tgid_number;
} __attribute__((preserve_access_index));

SEC("kprobe/vfs_read")
int who(struct pt_regs *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	int tgid = 0;

	bpf_probe_read_kernel(&tgid, sizeof(tgid), &task->tgid_number);
	return tgid;
}

char LICENSE[] SEC("license") = "GPL";
