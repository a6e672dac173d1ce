// SPDX-License-Identifier: GPL-2.0-only
/* Loops without a bound, for cli_test.sh: metered, they run until the ceiling */

#include "kapsel.bpf.h"

static volatile u64 wish;

SEC("kprobe/vfs_read")
int spins(struct pt_regs *ctx)
{
	while (!wish)
		;
	return 0;
}

SEC("cgroup_skb/ingress")
int spins_on_packets(struct __sk_buff *skb)
{
	while (!wish)
		;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
