// SPDX-License-Identifier: GPL-2.0-only
/* Programs started and their arguments, one after the other in a buffer */

#include "kapsel.bpf.h"

#define ARG_LEN 128
#define MAX_ARGS 20
#define ALL_LEN (ARG_LEN * MAX_ARGS)

struct start {
	u32 pid;
	u32 args;
	u32 size;
	char text[ALL_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct start);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} starts SEC(".maps");

SEC("kprobe/do_execveat_common")
int packed(struct pt_regs *ctx)
{
	const char **argv = (void *)PT_REGS_PARM4(ctx), *arg;
	struct start *start;
	u32 zero = 0, i;
	long len;

	start = bpf_map_lookup_elem(&scratch, &zero);
	if (!start)
		return 0;
	start->pid = bpf_get_current_pid_tgid() >> 32;
	start->args = 0;
	start->size = 0;
	for (i = 0; i < MAX_ARGS; i++) {
		if (bpf_probe_read_user(&arg, sizeof(arg), &argv[i]) || !arg)
			break;
		if (start->size > ALL_LEN - ARG_LEN)
			break;
		len = bpf_probe_read_user_str(&start->text[start->size], ARG_LEN, arg);
		if (len < 0 || len > ARG_LEN)
			break;
		start->args++;
		start->size += len;
	}
	len = sizeof(*start) - ALL_LEN + start->size;
	if (len <= (long)sizeof(*start))
		bpf_ringbuf_output(&starts, start, len, 0);
	return 0;
}

struct slots {
	u32 count;
	char arg[MAX_ARGS][32];
};

SEC("kprobe/bprm_execve")
int in_slots(struct pt_regs *ctx)
{
	const char *const *argv = (void *)PT_REGS_PARM2(ctx);
	struct slots *slots = bpf_ringbuf_reserve(&starts, sizeof(*slots), 0);
	const char *arg = NULL;
	int i;

	if (!slots)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_ARGS; i++) {
		bpf_probe_read_user(&arg, sizeof(arg), argv + i);
		if (!arg)
			break;
		if (bpf_probe_read_user_str(slots->arg[i], sizeof(slots->arg[i]), arg) <= 0)
			break;
	}
	slots->count = i;
	if (i)
		bpf_ringbuf_submit(slots, 0);
	else
		bpf_ringbuf_discard(slots, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
