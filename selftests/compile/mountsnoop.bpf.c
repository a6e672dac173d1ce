// SPDX-License-Identifier: GPL-2.0-only
/* Mounts and their five arguments: a record too large for the stack, in a per-CPU array */

#include "people.h"

#define PATH 256

struct args {
	const char *src;
	const char *dest;
	const char *fs;
	const char *data;
	u64 flags;
	u64 ts;
};

struct event {
	u64 ns;
	u64 flags;
	u32 pid;
	int ret;
	char comm[COMM];
	char fs[8];
	char src[PATH];
	char dest[PATH];
	char data[PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct args);
} args SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct event);
} heap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

SEC("ksyscall/mount")
int BPF_KSYSCALL(mount_entry, const char *src, const char *dest, const char *fs, u64 flags,
		 const char *data)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct args arg = {
		.src = src, .dest = dest, .fs = fs, .data = data, .flags = flags,
		.ts = bpf_ktime_get_ns(),
	};

	bpf_map_update_elem(&args, &tid, &arg, BPF_ANY);
	return 0;
}

static __always_inline void copy(char *to, u32 size, const char *from)
{
	if (from)
		bpf_probe_read_user_str(to, size, from);
	else
		to[0] = '\0';
}

SEC("kretsyscall/mount")
int BPF_KRETPROBE(mount_return, int ret)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tid = id, zero = 0;
	struct args *arg = bpf_map_lookup_elem(&args, &tid);
	struct event *e = bpf_map_lookup_elem(&heap, &zero);

	if (!arg)
		return 0;
	if (e) {
		e->ns = bpf_ktime_get_ns() - arg->ts;
		e->flags = arg->flags;
		e->pid = id >> 32;
		e->ret = ret;
		bpf_get_current_comm(e->comm, sizeof(e->comm));
		copy(e->fs, sizeof(e->fs), arg->fs);
		copy(e->src, sizeof(e->src), arg->src);
		copy(e->dest, sizeof(e->dest), arg->dest);
		copy(e->data, sizeof(e->data), arg->data);
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e, sizeof(*e));
	}
	bpf_map_delete_elem(&args, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
