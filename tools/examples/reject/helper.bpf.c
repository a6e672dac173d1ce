// SPDX-License-Identifier: GPL-2.0-only
/* KV041: a netfilter program judges packets, it does not read the kernel */

#include "kapsel.bpf.h"

SEC("nf/inet/input")
int peek(struct __sk_buff *skb)
{
	u64 secret = 0;

	bpf_probe_read_kernel(&secret, sizeof(secret), (void *)0xffffffff81000000);
	return secret & 1;
}

char LICENSE[] SEC("license") = "GPL";
