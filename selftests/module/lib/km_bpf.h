/* SPDX-License-Identifier: GPL-2.0-only */
/* The same calls on the kernel's own maps, by bpf(2), to compare with */
#ifndef KM_BPF_H
#define KM_BPF_H

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/types.h>

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

#endif
