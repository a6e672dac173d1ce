// SPDX-License-Identifier: GPL-2.0-only
/* A file's path built from its end to its start, over mounts, in half a buffer */

#include "people.h"

#define BUFFER_LEN (1 << 15)
#define HALF (BUFFER_LEN >> 1)
#define NAME_LEN 4096
#define DEPTH 30

struct buffer {
	u8 text[BUFFER_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct buffer);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} opened SEC(".maps");

struct vfsmount {
	struct dentry *mnt_root;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

struct file {
	struct path f_path;
} CORE;

static __always_inline int put_name(struct buffer *b, u32 *at, struct dentry *dentry)
{
	struct qstr name = BPF_CORE_READ(dentry, d_name);
	u32 len = (name.len + 1) & (NAME_LEN - 1);
	u32 off = *at - len;
	char slash = '/';
	int size;

	if (off > *at)
		return -1;
	len &= HALF - 1;
	size = bpf_probe_read_kernel_str(&b->text[off & (HALF - 1)], len, name.name);
	if (size <= 1)
		return -1;
	*at -= 1;
	bpf_probe_read_kernel(&b->text[*at & (HALF - 1)], 1, &slash);
	*at -= size - 1;
	return 0;
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(file_open, struct file *file)
{
	struct dentry *parent, *dentry = BPF_CORE_READ(file, f_path.dentry);
	u32 i, zero = 0, at = HALF;
	struct buffer *b;
	char *path;

	b = bpf_map_lookup_elem(&scratch, &zero);
	if (!b)
		return 0;
	for (i = 0; i < DEPTH; i++) {
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == parent || put_name(b, &at, dentry))
			break;
		dentry = parent;
	}
	bpf_probe_read_kernel(&b->text[HALF - 1], 1, &zero);
	path = bpf_ringbuf_reserve(&opened, 256, 0);
	if (!path)
		return 0;
	if (bpf_probe_read_kernel_str(path, 256, &b->text[at & (HALF - 1)]) > 1)
		bpf_ringbuf_submit(path, 0);
	else
		bpf_ringbuf_discard(path, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
