// SPDX-License-Identifier: GPL-2.0-only
/* Latency by thread: start and stop in two probes, errors and slow ones apart */

#include "kapsel.bpf.h"

struct started {
	u64 ts;
	u64 arg;
	char comm[16];
};

struct slow_event {
	u64 ns;
	u64 arg;
	u32 pid;
	s32 ret;
	char comm[16];
};

KAPSEL_EVENT(struct slow_event);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct started);
} started SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} slow SEC(".maps");

const volatile u64 threshold_us = 1000;
const volatile u32 target_tgid;
const volatile _Bool only_failed;

struct {
	u64 calls;
	u64 failed;
	u64 lost;
} stats;

static __always_inline int is_target(u64 task)
{
	return !target_tgid || task >> 32 == target_tgid;
}

SEC("kprobe/vfs_fsync_range")
int fsync_enter(struct pt_regs *ctx)
{
	u64 task = bpf_get_current_pid_tgid();
	struct started start = {};
	u32 tid = task;

	if (!is_target(task))
		return 0;
	start.ts = bpf_ktime_get_ns();
	start.arg = PT_REGS_PARM1(ctx);
	bpf_get_current_comm(&start.comm, sizeof(start.comm));
	bpf_map_update_elem(&started, &tid, &start, BPF_ANY);
	return 0;
}

static __always_inline int report(const struct started *start, u64 ns, s32 ret, u64 task)
{
	struct slow_event *event;

	event = bpf_ringbuf_reserve(&slow, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&stats.lost, 1);
		return -1;
	}
	event->ns = ns;
	event->arg = start->arg;
	event->pid = task >> 32;
	event->ret = ret;
	__builtin_memcpy(event->comm, start->comm, sizeof(event->comm));
	if (only_failed && ret >= 0) {
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("kretprobe/vfs_fsync_range")
int fsync_leave(struct pt_regs *ctx)
{
	u64 task = bpf_get_current_pid_tgid(), ns;
	s32 ret = PT_REGS_RC(ctx);
	struct started *start;
	u32 tid = task;

	start = bpf_map_lookup_elem(&started, &tid);
	if (!start)
		return 0;
	ns = bpf_ktime_get_ns() - start->ts;
	__sync_fetch_and_add(&stats.calls, 1);
	if (ret)
		__sync_fetch_and_add(&stats.failed, 1);
	if (ns / 1000 >= threshold_us || ret)
		report(start, ns, ret, task);
	bpf_map_delete_elem(&started, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
