/* SPDX-License-Identifier: GPL-2.0-only */
/* The same calls on the kernel's own maps, by bpf(2), to compare with */
#ifndef KM_BPF_H
#define KM_BPF_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/types.h>

#define KM_LINUX_ENOTSUPP	524	/* what bpf(2) says for EOPNOTSUPP */

static inline int km_bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static inline int km_bpf_map(__u32 type, __u32 key_size, __u32 value_size,
			     __u32 max_entries, __u32 flags)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = key_size, .value_size = value_size,
		.max_entries = max_entries, .map_flags = flags,
	};

	return km_bpf(BPF_MAP_CREATE, &attr);
}

static inline int km_bpf_elem(int cmd, int map, const void *key, void *value,
			      __u64 flags)
{
	union bpf_attr attr = {
		.map_fd = map, .key = (unsigned long)key,
		.value = (unsigned long)value, .flags = flags,
	};

	return km_bpf(cmd, &attr);
}

/*
 * How many flags of updates, from 0, per-CPU values are compared by: Linux 7 does not
 * refuse BPF_NOEXIST | BPF_EXIST there any more.
 */
static inline __u32 km_bpf_percpu_flags(void)
{
	int map = km_bpf_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0), err;
	__u64 values[256] = {};
	__u32 key = 0;

	err = km_bpf_elem(BPF_MAP_UPDATE_ELEM, map, &key, values, BPF_NOEXIST | BPF_EXIST);
	close(map);
	return err == -EINVAL ? 4 : 3;
}

/* A result as kapsel's ioctls give it. */
static inline int km_bpf_as_kapsel(int err)
{
	return err == -KM_LINUX_ENOTSUPP ? -EOPNOTSUPP : err;
}

/* A kprobe program; its fd. */
static inline int km_bpf_kprobe(const struct bpf_insn *insns, __u32 cnt)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE, .insns = (unsigned long)insns,
		.insn_cnt = cnt, .license = (unsigned long)"GPL",
	};

	return km_bpf(BPF_PROG_LOAD, &attr);
}

static inline int km_bpf_number(const char *path, const char *format)
{
	FILE *f = fopen(path, "r");
	int n;

	if (!f || fscanf(f, format, &n) != 1)
		n = -ENOENT;
	if (f)
		fclose(f);
	return n;
}

#define KM_PMU "/sys/bus/event_source/devices/kprobe/"

/* An event that runs the program, until it is closed. */
static inline int km_bpf_probe(int prog, const char *function, __u64 offset,
			       bool at_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .config1 = (unsigned long)function, .config2 = offset,
	};
	int type = km_bpf_number(KM_PMU "type", "%d"), fd;
	int bit = km_bpf_number(KM_PMU "format/retprobe", "config:%d");

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

#endif
