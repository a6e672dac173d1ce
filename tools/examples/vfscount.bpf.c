// SPDX-License-Identifier: GPL-2.0-only
/* Reads and writes of files: calls and bytes asked for, by command */

#include "kapsel.bpf.h"

struct use {
	u64 reads;
	u64 read_bytes;
	u64 writes;
	u64 write_bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, char[16]);
	__type(value, struct use);
} uses SEC(".maps");

/* kapsel run vfscount.bpf.o --set least=4096: only calls of 4096 bytes or more */
const volatile u64 least;

static __noinline struct use *use_of_current(void)
{
	struct use none = {};
	char comm[16];

	bpf_get_current_comm(comm, sizeof(comm));
	bpf_map_update_elem(&uses, comm, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&uses, comm);
}

/* vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos) */
SEC("kprobe/vfs_read")
int count_read(struct pt_regs *ctx)
{
	u64 bytes = PT_REGS_PARM3(ctx);
	struct use *use;

	if (bytes < least)
		return 0;
	use = use_of_current();
	if (!use)
		return 0;
	__sync_fetch_and_add(&use->reads, 1);
	__sync_fetch_and_add(&use->read_bytes, bytes);
	return 0;
}

SEC("kprobe/vfs_write")
int count_write(struct pt_regs *ctx)
{
	u64 bytes = PT_REGS_PARM3(ctx);
	struct use *use;

	if (bytes < least)
		return 0;
	use = use_of_current();
	if (!use)
		return 0;
	__sync_fetch_and_add(&use->writes, 1);
	__sync_fetch_and_add(&use->write_bytes, bytes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
