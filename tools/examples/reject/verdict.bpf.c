// SPDX-License-Identifier: GPL-2.0-only
/* KV060: a verdict that is neither drop nor accept */

#include "kapsel.bpf.h"

SEC("nf/inet/input")
int judge(struct __sk_buff *skb)
{
	return skb->len;
}

char LICENSE[] SEC("license") = "GPL";
