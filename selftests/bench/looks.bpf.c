// SPDX-License-Identifier: GPL-2.0-only
/* Counts the bench's packets, and lets all pass: by kapsel */

#include "kapsel.bpf.h"
#include "looks.h"

u64 seen;

SEC("nf/ip/output")
int look(struct __sk_buff *skb)
{
	const struct looks *at = (void *)(long)skb->data;

	if ((void *)(at + 1) <= (void *)(long)skb->data_end && looks_ours(at))
		__sync_fetch_and_add(&seen, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
