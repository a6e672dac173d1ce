// SPDX-License-Identifier: GPL-2.0-only
/* Signals that are sent, by three system calls that share their code */

#include "people.h"

struct event {
	u32 pid;
	u32 target;
	int sig;
	int ret;
	char comm[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct event);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

const volatile int target_signal;
const volatile bool only_failed;

static int entry(int target, int sig)
{
	struct event event = {};
	u64 id;
	u32 tid;

	if (target_signal && sig != target_signal)
		return 0;
	id = bpf_get_current_pid_tgid();
	tid = id;
	event.pid = id >> 32;
	event.target = target;
	event.sig = sig;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	bpf_map_update_elem(&values, &tid, &event, BPF_ANY);
	return 0;
}

static int leave(void *ctx, int ret)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct event *event = bpf_map_lookup_elem(&values, &tid);

	if (!event)
		return 0;
	if (!only_failed || ret < 0) {
		event->ret = ret;
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, sizeof(*event));
	}
	bpf_map_delete_elem(&values, &tid);
	return 0;
}

SEC("ksyscall/kill")
int BPF_KSYSCALL(kill_entry, int pid, int sig)
{
	return entry(pid, sig);
}

SEC("kretsyscall/kill")
int BPF_KRETPROBE(kill_leave, int ret)
{
	return leave(ctx, ret);
}

SEC("ksyscall/tgkill")
int BPF_KSYSCALL(tgkill_entry, int tgid, int tid, int sig)
{
	return entry(tid, sig);
}

SEC("kretsyscall/tgkill")
int BPF_KRETPROBE(tgkill_leave, int ret)
{
	return leave(ctx, ret);
}

char LICENSE[] SEC("license") = "GPL";
