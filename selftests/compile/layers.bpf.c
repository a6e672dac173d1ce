// SPDX-License-Identifier: GPL-2.0-only
/* Packets in packets: IP in IP, GRE with its optional words, VXLAN, by one loop over the layers */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

#define VXLAN_LEN (sizeof(struct udphdr) + 8 + 14)
#define MAX_LAYERS 3

struct gre {
	__be16 flags;
	__be16 protocol;
};

static __always_inline int gre_len(const struct gre *gre)
{
	int len = sizeof(*gre);

	if (gre->flags & bpf_htons(0x8000))
		len += 4;
	if (gre->flags & bpf_htons(0x2000))
		len += 4;
	if (gre->flags & bpf_htons(0x1000))
		len += 4;
	return len;
}

/* How long the headers are before the next layer; 0: there is none. */
static __always_inline int layer(void *at, void *end)
{
	struct iphdr *ip = at;
	struct udphdr *udp;
	struct gre *gre;
	int len;

	if (at + sizeof(*ip) > end)
		return 0;
	len = ip->ihl * 4;
	if (ip->protocol == IPPROTO_IPIP)
		return len;
	if (ip->protocol == IPPROTO_GRE) {
		gre = at + len;
		if ((void *)(gre + 1) > end || gre->protocol != bpf_htons(0x0800))
			return 0;
		return len + gre_len(gre);
	}
	if (ip->protocol == IPPROTO_UDP) {
		udp = at + len;
		if ((void *)(udp + 1) > end || udp->dest != bpf_htons(4789))
			return 0;
		return len + VXLAN_LEN;
	}
	return 0;
}

SEC("cgroup_skb/egress")
int innermost(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip;
	u32 off = 0;
	int i, len;

	for (i = 0; i < MAX_LAYERS; i++) {
		len = layer(data + off, end);
		if (!len)
			break;
		off += len;
	}
	ip = data + off;
	if ((void *)(ip + 1) > end)
		return KAPSEL_ACCEPT;
	return ip->daddr != bpf_htonl(0xc0000201);
}

char LICENSE[] SEC("license") = "GPL";
