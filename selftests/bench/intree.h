/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own eBPF on the same hooks. Each returns an fd, or -errno */
#ifndef BENCH_INTREE_H
#define BENCH_INTREE_H

#include <stdbool.h>

#include <linux/types.h>

#include <linux/bpf.h>

/* Newer than the headers of many systems. */
#define INTREE_NETFILTER	32	/* BPF_PROG_TYPE_NETFILTER */
#define INTREE_ATTACH_NETFILTER	45	/* BPF_NETFILTER */

/** struct intree_load - beside type and instructions, what a program may need */
struct intree_load {
	__u32 type;
	__u32 attach_type;
	const char *function;	/* of fentry and fexit */
};

int intree_array(void);
int intree_stacks(__u32 size, __u32 cnt);
int intree_load(const struct intree_load *how, const struct bpf_insn *insns, int cnt);

/** intree_perf - by perf's kprobe, at @offset of @function, or at its return */
int intree_perf(int prog, const char *function, __u64 offset, bool at_return);
/** intree_multi - by kprobe.multi */
int intree_multi(int prog, const char *function, bool at_return);
/** intree_trace - by fentry or fexit, whichever it was loaded as */
int intree_trace(int prog);
/** intree_packets - on a netfilter hook, IPv4 */
int intree_packets(int prog, __u32 hooknum);

#endif
