// SPDX-License-Identifier: GPL-2.0-only
/* KV036: nothing tests whether the packet is long enough */

#include <linux/ip.h>

#include "kapsel.bpf.h"

SEC("nf/ip/input")
int judge(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data;

	return ip->ttl > 1 ? KAPSEL_ACCEPT : KAPSEL_DROP;
}

char LICENSE[] SEC("license") = "GPL";
