// SPDX-License-Identifier: GPL-2.0-only
/* KV050: on one path the record is neither submitted nor discarded */

#include "kapsel.bpf.h"

struct read_event {
	u32 pid;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("kretprobe/vfs_read")
int big_read(struct pt_regs *ctx)
{
	struct read_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->bytes = PT_REGS_RC(ctx);
	if (event->bytes < 4096)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
