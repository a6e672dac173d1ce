// SPDX-License-Identifier: GPL-2.0-only
/* Which programs are started, by whom: an event for each exec that gets as far as a file */

#include "kapsel.bpf.h"

/* As much of the kernel's types as is read; the loader finds where it lies. */
struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct linux_binprm {
	int argc;
	const char *filename;
} __attribute__((preserve_access_index));

struct exec_event {
	u64 ts;
	u32 pid;
	u32 parent;
	u32 uid;
	int argc;
	char comm[16];
	char path[128];
};

KAPSEL_EVENT(struct exec_event);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} execs SEC(".maps");

static __always_inline u32 parent_of(struct task_struct *task)
{
	struct task_struct *parent = NULL;
	u32 pid = 0;

	bpf_probe_read_kernel(&parent, sizeof(parent), &task->real_parent);
	bpf_probe_read_kernel(&pid, sizeof(pid), &parent->tgid);
	return pid;
}

/* security_bprm_check(struct linux_binprm *bprm): once for a script, again for what runs it */
SEC("kprobe/security_bprm_check")
int exec(struct pt_regs *ctx)
{
	struct linux_binprm *bprm = (void *)PT_REGS_PARM1(ctx);
	struct exec_event *event = bpf_ringbuf_reserve(&execs, sizeof(*event), 0);
	const char *path = NULL;

	if (!event)
		return 0;
	event->ts = bpf_ktime_get_ns();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->parent = parent_of((void *)bpf_get_current_task());
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_probe_read_kernel(&event->argc, sizeof(event->argc), &bprm->argc);
	bpf_probe_read_kernel(&path, sizeof(path), &bprm->filename);
	bpf_probe_read_kernel_str(event->path, sizeof(event->path), path);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
