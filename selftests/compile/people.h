/* SPDX-License-Identifier: GPL-2.0-only */
/* What tools written for libbpf begin with; of the kernel's types, what they read */
#ifndef PEOPLE_H
#define PEOPLE_H

#define __TARGET_ARCH_x86
/* Registers have the kernel's own names, as in a vmlinux.h. */
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

struct pt_regs {
	unsigned long di, si, dx, cx, r8, r9, r10, ax, sp, bp, ip, orig_ax;
} __attribute__((preserve_access_index));

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define COMM 16
#define CORE __attribute__((preserve_access_index))

struct qstr {
	const unsigned char *name;
	u32 len;
} CORE;

struct dentry {
	struct qstr d_name;
	struct dentry *d_parent;
	struct inode *d_inode;
} CORE;

struct inode {
	u64 i_ino;
	u16 i_mode;
	s64 i_size;
} CORE;

struct task_struct {
	s32 pid;
	s32 tgid;
	u32 __state;
	char comm[COMM];
	struct task_struct *real_parent;
} CORE;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	unsigned char skc_state;
} CORE;

struct sock {
	struct sock_common __sk_common;
} CORE;

struct tcp_sock {
	u64 bytes_received;
	u64 bytes_acked;
	u32 srtt_us;
} CORE;

static __always_inline u32 log2_of(u64 value)
{
	u32 slot = 0;

#pragma unroll
	for (int shift = 32; shift; shift >>= 1) {
		if (value >> shift) {
			value >>= shift;
			slot += shift;
		}
	}
	return slot;
}

#endif
