// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's own eBPF: programs and links by bpf(2) and perf_event_open(2) */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/netfilter.h>
#include <linux/perf_event.h>

#include "intree.h"

#define PMU "/sys/bus/event_source/devices/kprobe/"

int intree_array(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "counter", 4, 8, 1, NULL);
}

int intree_stacks(__u32 size, __u32 cnt)
{
	return bpf_map_create(BPF_MAP_TYPE_STACK_TRACE, "stacks", 4, size, cnt, NULL);
}

int intree_load(const struct intree_load *how, const struct bpf_insn *insns, int cnt)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = how->attach_type);

	if (how->function) {
		int id = libbpf_find_vmlinux_btf_id(how->function, how->attach_type);

		if (id < 0)
			return id;
		opts.attach_btf_id = id;
	}
	return bpf_prog_load(how->type, "bench", "GPL", insns, cnt, &opts);
}

static int read_number(const char *path, const char *format)
{
	FILE *f = fopen(path, "r");
	int n;

	if (!f || fscanf(f, format, &n) != 1)
		n = -ENOENT;
	if (f)
		fclose(f);
	return n;
}

int intree_perf(int prog, const char *function, __u64 offset, bool at_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .config1 = (unsigned long)function, .config2 = offset,
	};
	int type = read_number(PMU "type", "%d"), fd;
	int bit = read_number(PMU "format/retprobe", "config:%d");

	if (type < 0 || bit < 0)
		return -ENOENT;
	attr.type = type;
	attr.config = at_return ? 1ULL << bit : 0;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int intree_multi(int prog, const char *function, bool at_return)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .kprobe_multi.flags = at_return ? BPF_F_KPROBE_MULTI_RETURN : 0,
		    .kprobe_multi.cnt = 1, .kprobe_multi.syms = &function);

	return bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

int intree_trace(int prog)
{
	return bpf_raw_tracepoint_open(NULL, prog);
}

int intree_packets(int prog, __u32 hooknum)
{
	const struct {
		__u32 prog_fd, target_fd, attach_type, flags;
		__u32 family, hooknum;
		__s32 priority;
		__u32 more_flags;
	} arg = {
		.prog_fd = prog, .attach_type = INTREE_ATTACH_NETFILTER,
		.family = NFPROTO_IPV4, .hooknum = hooknum, .priority = -10,
	};
	int fd = syscall(SYS_bpf, BPF_LINK_CREATE, &arg, sizeof(arg));

	return fd < 0 ? -errno : fd;
}
