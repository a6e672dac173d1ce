// SPDX-License-Identifier: GPL-2.0-only
/* Files that are opened: arguments kept from entry to return, by thread */

#include "people.h"

struct args {
	const char *name;
	int flags;
};

struct event {
	u64 ts;
	u32 pid;
	u32 uid;
	int ret;
	int flags;
	char comm[COMM];
	char name[255];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct args);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

const volatile s32 target_pid;
const volatile u32 target_uid = -1;
const volatile bool only_failed;

static __always_inline bool wanted(u32 tgid)
{
	if (target_pid && target_pid != tgid)
		return false;
	return target_uid == (u32)-1 || target_uid == (u32)bpf_get_current_uid_gid();
}

SEC("ksyscall/openat")
int BPF_KSYSCALL(openat_entry, int dfd, const char *name, int flags)
{
	u64 id = bpf_get_current_pid_tgid();
	struct args args = {};
	u32 tid = id;

	if (!wanted(id >> 32))
		return 0;
	args.name = name;
	args.flags = flags;
	bpf_map_update_elem(&start, &tid, &args, 0);
	return 0;
}

SEC("kretsyscall/openat")
int BPF_KRETPROBE(openat_return, int ret)
{
	struct event event = {};
	struct args *args;
	u32 tid = bpf_get_current_pid_tgid();

	args = bpf_map_lookup_elem(&start, &tid);
	if (!args)
		return 0;
	if (only_failed && ret >= 0)
		goto cleanup;
	event.ts = bpf_ktime_get_ns();
	event.pid = bpf_get_current_pid_tgid() >> 32;
	event.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	bpf_probe_read_user_str(event.name, sizeof(event.name), args->name);
	event.flags = args->flags;
	event.ret = ret;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
cleanup:
	bpf_map_delete_elem(&start, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
