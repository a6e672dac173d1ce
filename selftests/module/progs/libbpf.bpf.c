// SPDX-License-Identifier: GPL-2.0-only
/* For cli_test.sh: what objects made for libbpf have, in one */

#include "kapsel.bpf.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int CONFIG_HZ __kconfig;
extern enum libbpf_tristate CONFIG_NO_SUCH_OPTION __kconfig __weak;

const volatile _Bool filter_cgroup;

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

struct event {
	u32 version;
	u32 hz;
	u32 option;
	char comm[16];
};

const struct event *unused;

SEC("kprobe/vfs_read")
int slow(struct pt_regs *ctx)
{
	struct event e = {
		.version = LINUX_KERNEL_VERSION,
		.hz = CONFIG_HZ,
		.option = CONFIG_NO_SUCH_OPTION,
	};

	if (filter_cgroup && bpf_current_task_under_cgroup(&cgroups, 0) != 1)
		return 0;
	if (!LINUX_HAS_SYSCALL_WRAPPER)
		return 0;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}

SEC("fentry/vfs_read")
int fast(void *ctx)
{
	return 0;
}

SEC("?kprobe/vfs_write")
int asked(struct pt_regs *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
