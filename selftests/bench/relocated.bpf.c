// SPDX-License-Identifier: GPL-2.0-only
/* About 300 instructions, 50 of them relocated against ten of the kernel's types */

#include "kapsel.bpf.h"

#define CORE __attribute__((preserve_access_index))

/* Numbers; of what size they are does not matter here. */
struct task_struct {
	u32 pid, tgid, flags, exit_code, start_time;
} CORE;

struct mm_struct {
	u32 total_vm, locked_vm, data_vm, exec_vm, stack_vm;
} CORE;

struct file {
	u32 f_flags, f_mode, f_pos, f_wb_err, f_iocb_flags;
} CORE;

struct inode {
	u32 i_ino, i_mode, i_size, i_flags, i_blocks;
} CORE;

struct super_block {
	u32 s_dev, s_blocksize, s_flags, s_magic, s_time_gran;
} CORE;

struct sock_common {
	u32 skc_family, skc_state, skc_daddr, skc_num, skc_dport;
} CORE;

struct signal_struct {
	u32 nvcsw, nivcsw, min_flt, maj_flt, inblock;
} CORE;

struct sk_buff {
	u32 len, data_len, hash, mac_len, priority;
} CORE;

struct net_device {
	u32 ifindex, mtu, flags, type, group;
} CORE;

struct bio {
	u32 bi_opf, bi_flags, bi_ioprio, bi_vcnt, bi_max_vecs;
} CORE;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} sum SEC(".maps");

/* As if the argument were all of them: it is not run. */
#define PLACE(name, member) ((u64)(long)&((struct name *)arg)->member * 5 >> 3)
#define PLACES(name, a, b, c, d, e)					\
	((PLACE(name, a) ^ PLACE(name, b)) +				\
	 (PLACE(name, c) ^ PLACE(name, d)) + PLACE(name, e))

SEC("kprobe/vfs_read")
int relocated(struct pt_regs *ctx)
{
	void *arg = (void *)PT_REGS_PARM1(ctx);
	u64 *value, total = 0;
	u32 key = 0;

	total ^= PLACES(task_struct, pid, tgid, flags, exit_code, start_time);
	total ^= PLACES(mm_struct, total_vm, locked_vm, data_vm, exec_vm, stack_vm);
	total ^= PLACES(file, f_flags, f_mode, f_pos, f_wb_err, f_iocb_flags);
	total ^= PLACES(inode, i_ino, i_mode, i_size, i_flags, i_blocks);
	total ^= PLACES(super_block, s_dev, s_blocksize, s_flags, s_magic, s_time_gran);
	total ^= PLACES(sock_common, skc_family, skc_state, skc_daddr, skc_num, skc_dport);
	total ^= PLACES(signal_struct, nvcsw, nivcsw, min_flt, maj_flt, inblock);
	total ^= PLACES(sk_buff, len, data_len, hash, mac_len, priority);
	total ^= PLACES(net_device, ifindex, mtu, flags, type, group);
	total ^= PLACES(bio, bi_opf, bi_flags, bi_ioprio, bi_vcnt, bi_max_vecs);
	value = bpf_map_lookup_elem(&sum, &key);
	if (value)
		*value = total;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
