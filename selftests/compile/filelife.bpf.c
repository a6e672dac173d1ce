// SPDX-License-Identifier: GPL-2.0-only
/* Files that do not live long; the functions' arguments moved by one between kernels */

#include "people.h"

struct renamedata___userns {
	struct user_namespace *old_mnt_userns;
} CORE;

struct renamedata___idmap {
	struct mnt_idmap *old_mnt_idmap;
} CORE;

struct renamedata___one_idmap {
	struct mnt_idmap *mnt_idmap;
} CORE;

struct event {
	char file[64];
	char comm[COMM];
	u64 age_ns;
	u32 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dentry *);
	__type(value, u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

const volatile u32 target_tgid;

#define HAS(version, field) bpf_core_field_exists(((struct renamedata___##version *)0)->field)

/* From 5.12 on, by whatever name. */
static __always_inline bool mount_comes_first(void)
{
	return HAS(userns, old_mnt_userns) || HAS(idmap, old_mnt_idmap) ||
	       HAS(one_idmap, mnt_idmap);
}

static __always_inline int born(struct dentry *dentry)
{
	u64 ts = bpf_ktime_get_ns();

	if (target_tgid && target_tgid != bpf_get_current_pid_tgid() >> 32)
		return 0;
	bpf_map_update_elem(&start, &dentry, &ts, 0);
	return 0;
}

SEC("kprobe/vfs_create")
int BPF_KPROBE(create, void *a0, void *a1, void *a2)
{
	return born(mount_comes_first() ? a2 : a1);
}

SEC("kprobe/security_inode_create")
int BPF_KPROBE(inode_create, void *dir, struct dentry *dentry)
{
	return born(dentry);
}

SEC("kprobe/vfs_unlink")
int BPF_KPROBE(unlink, void *a0, void *a1, void *a2)
{
	struct dentry *dentry = mount_comes_first() ? a2 : a1;
	struct event event = {};
	const u8 *name;
	u64 *ts = bpf_map_lookup_elem(&start, &dentry);

	if (!ts)
		return 0;
	event.age_ns = bpf_ktime_get_ns() - *ts;
	bpf_map_delete_elem(&start, &dentry);
	name = BPF_CORE_READ(dentry, d_name.name);
	bpf_probe_read_kernel_str(&event.file, sizeof(event.file), name);
	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	event.tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
