// SPDX-License-Identifier: GPL-2.0-only
/* Which files are opened, by whom: an event for each, and a count by name */

#include "kapsel.bpf.h"

struct open_event {
	u64 ts;
	u32 cpu;
	u32 pid;
	char comm[16];
	u64 flags;
	char path[128];
};

KAPSEL_EVENT(struct open_event);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} opens SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, char[16]);
	__type(value, u64);
} counts SEC(".maps");

static __always_inline void count(const char *comm)
{
	u64 one = 1, *n = bpf_map_lookup_elem(&counts, comm);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, comm, &one, BPF_NOEXIST);
}

/* do_sys_openat2(int dfd, const char __user *filename, struct open_how *how) */
SEC("kprobe/do_sys_openat2")
int count_open(struct pt_regs *ctx)
{
	struct open_event *event = bpf_ringbuf_reserve(&opens, sizeof(*event), 0);

	if (!event)
		return 0;
	event->ts = bpf_ktime_get_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	/* The flags are the first member of struct open_how. */
	bpf_probe_read_kernel(&event->flags, sizeof(event->flags),
			      (void *)PT_REGS_PARM3(ctx));
	bpf_probe_read_user_str(event->path, sizeof(event->path),
				(void *)PT_REGS_PARM2(ctx));
	count(event->comm);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
