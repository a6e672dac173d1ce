// SPDX-License-Identifier: GPL-2.0-only
/* Who asks about which files: one map of pointers, one of records, five entries */

#include "people.h"

struct event {
	u64 ts_ns;
	u32 pid;
	int ret;
	int type;
	char comm[COMM];
	char name[128];
};

struct value {
	const char *name;
	int type;
};

enum { STAT, LSTAT, STATX, FSTATAT };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

const volatile bool trace_failed_only;

static __always_inline int enter(const char *name, int type)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct value value = { .name = name, .type = type };

	bpf_map_update_elem(&values, &tid, &value, BPF_ANY);
	return 0;
}

static __noinline int leave(int ret)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tid = id;
	struct value *value = bpf_map_lookup_elem(&values, &tid);
	struct event e = {};

	if (!value)
		return 0;
	if (trace_failed_only && ret >= 0)
		goto cleanup;
	e.ts_ns = bpf_ktime_get_ns();
	e.pid = id >> 32;
	e.ret = ret;
	e.type = value->type;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	if (bpf_probe_read_user_str(e.name, sizeof(e.name), value->name) > 1)
		bpf_ringbuf_output(&events, &e, sizeof(e), 0);
cleanup:
	bpf_map_delete_elem(&values, &tid);
	return 0;
}

SEC("ksyscall/newstat")
int BPF_KSYSCALL(stat_enter, const char *name) { return enter(name, STAT); }

SEC("kretsyscall/newstat")
int BPF_KRETPROBE(stat_leave, int ret) { return leave(ret); }

SEC("ksyscall/statx")
int BPF_KSYSCALL(statx_enter, int dfd, const char *name) { return enter(name, STATX); }

SEC("kretsyscall/statx")
int BPF_KRETPROBE(statx_leave, int ret) { return leave(ret); }

SEC("ksyscall/newfstatat")
int BPF_KSYSCALL(fstatat_enter, int dfd, const char *name) { return enter(name, FSTATAT); }

SEC("kretsyscall/newfstatat")
int BPF_KRETPROBE(fstatat_leave, int ret) { return leave(ret); }

char LICENSE[] SEC("license") = "GPL";
