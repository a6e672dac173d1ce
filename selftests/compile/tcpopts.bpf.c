// SPDX-License-Identifier: GPL-2.0-only
/* Reads a SYN's TCP options: what MSS, window scale and timestamps peers use */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

enum { OPT_END, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK, OPT_TS = 8 };

struct seen {
	u32 source;
	u16 mss;
	u8 wscale;
	u8 sack;
	u32 ts;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline int one_option(u8 *at, u8 *end, struct seen *seen)
{
	u8 len;

	if (at + 2 > end)
		return -1;
	len = at[1];
	if (len < 2 || at + len > end)
		return -1;
	switch (at[0]) {
	case OPT_MSS:
		if (len == 4 && at + 4 <= end)
			seen->mss = at[2] << 8 | at[3];
		break;
	case OPT_WSCALE:
		if (len == 3 && at + 3 <= end)
			seen->wscale = at[2];
		break;
	case OPT_SACK:
		seen->sack = 1;
		break;
	case OPT_TS:
		if (len == 10 && at + 10 <= end)
			seen->ts = bpf_ntohl(*(u32 *)(at + 2));
		break;
	}
	return len;
}

SEC("nf/inet/input")
int syn_options(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = (void *)data;
	struct seen seen = {};
	struct tcphdr *tcp;
	u8 *at, *stop;
	int i;

	if ((u8 *)(ip + 1) > end || ip->version != 4 || ip->protocol != IPPROTO_TCP)
		return KAPSEL_ACCEPT;
	tcp = (void *)data + ip->ihl * 4;
	if ((u8 *)(tcp + 1) > end || !tcp->syn)
		return KAPSEL_ACCEPT;
	at = (u8 *)(tcp + 1);
	stop = (u8 *)tcp + tcp->doff * 4;
	if (stop > end)
		return KAPSEL_DROP;
	seen.source = ip->saddr;
	for (i = 0; i < 40 && at < stop; i++) {
		int len;

		if (at + 1 > end || *at == OPT_END)
			break;
		if (*at == OPT_NOP) {
			at++;
			continue;
		}
		len = one_option(at, end, &seen);
		if (len < 0)
			return KAPSEL_DROP;
		at += len;
	}
	bpf_ringbuf_output(&events, &seen, sizeof(seen), 0);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
