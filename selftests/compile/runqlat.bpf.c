// SPDX-License-Identifier: GPL-2.0-only
/* How long tasks wait for a processor, by kprobes where there are no tracepoints */

#include "people.h"

#define SLOTS 26
#define TASK_RUNNING 0

struct hist {
	u32 slots[SLOTS];
	char comm[COMM];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

static struct hist zero;
const volatile bool by_process;
const volatile s32 target_tgid;

static __always_inline int enqueue(u32 tgid, u32 pid)
{
	u64 ts = bpf_ktime_get_ns();

	if (!pid || (target_tgid && target_tgid != tgid))
		return 0;
	bpf_map_update_elem(&start, &pid, &ts, BPF_ANY);
	return 0;
}

SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(new_task, struct task_struct *p)
{
	return enqueue(BPF_CORE_READ(p, tgid), BPF_CORE_READ(p, pid));
}

SEC("kprobe/ttwu_do_wakeup")
int BPF_KPROBE(wakeup, void *rq, struct task_struct *p)
{
	return enqueue(BPF_CORE_READ(p, tgid), BPF_CORE_READ(p, pid));
}

static __always_inline struct hist *hist_of(u32 key)
{
	struct hist *hist = bpf_map_lookup_elem(&hists, &key);

	if (hist)
		return hist;
	bpf_map_update_elem(&hists, &key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&hists, &key);
}

SEC("kprobe/finish_task_switch")
int BPF_KPROBE(switched, struct task_struct *prev)
{
	u32 pid = bpf_get_current_pid_tgid(), key = -1, slot;
	struct hist *hist;
	u64 *ts;
	s64 delta;

	if (BPF_CORE_READ(prev, __state) == TASK_RUNNING)
		enqueue(BPF_CORE_READ(prev, tgid), BPF_CORE_READ(prev, pid));
	ts = bpf_map_lookup_elem(&start, &pid);
	if (!ts)
		return 0;
	delta = bpf_ktime_get_ns() - *ts;
	if (delta < 0)
		goto cleanup;
	if (by_process)
		key = bpf_get_current_pid_tgid() >> 32;
	hist = hist_of(key);
	if (!hist)
		goto cleanup;
	if (!hist->comm[0])
		bpf_get_current_comm(&hist->comm, sizeof(hist->comm));
	slot = log2_of((u64)delta / 1000U);
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&hist->slots[slot], 1);
cleanup:
	bpf_map_delete_elem(&start, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
