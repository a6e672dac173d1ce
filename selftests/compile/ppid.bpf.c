// SPDX-License-Identifier: GPL-2.0-only
/* Whose child calls exit(), by the kernel's own type of a task */

#include "kapsel.bpf.h"

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, int);
	__type(value, u64);
} children SEC(".maps");

SEC("kprobe/do_exit")
int count(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf(), *parent = NULL;
	int pid = 0;
	u64 one = 1, *n;

	bpf_probe_read_kernel(&parent, sizeof(parent), &task->real_parent);
	bpf_probe_read_kernel(&pid, sizeof(pid), &parent->tgid);
	n = bpf_map_lookup_elem(&children, &pid);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&children, &pid, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
