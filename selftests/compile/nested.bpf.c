// SPDX-License-Identifier: GPL-2.0-only
/* Headers in headers (VLAN tags, GRE, IP in IP), each level a function */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

#define MAX_LEVELS 6

struct cursor {
	void *at;
	void *end;
};

struct gre {
	__be16 flags;
	__be16 protocol;
};

struct vlan {
	__be16 tag;
	__be16 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} levels SEC(".maps");

static __always_inline int take_ip(struct cursor *c)
{
	struct iphdr *ip = c->at;

	if ((void *)(ip + 1) > c->end)
		return -1;
	c->at += ip->ihl * 4;
	if (ip->protocol == IPPROTO_IPIP)
		return ETH_P_IP;
	return ip->protocol == IPPROTO_GRE ? 1 : -1;
}

static __always_inline int take_ip6(struct cursor *c)
{
	struct ipv6hdr *ip = c->at;

	if ((void *)(ip + 1) > c->end)
		return -1;
	c->at = ip + 1;
	return ip->nexthdr == IPPROTO_GRE ? 1 : -1;
}

static __always_inline int take_gre(struct cursor *c)
{
	struct gre *gre = c->at;
	int len = sizeof(*gre);

	if ((void *)(gre + 1) > c->end)
		return -1;
	if (gre->flags & bpf_htons(0x8000))
		len += 4;
	if (gre->flags & bpf_htons(0x2000))
		len += 4;
	if (gre->flags & bpf_htons(0x1000))
		len += 4;
	c->at += len;
	return bpf_ntohs(gre->protocol);
}

static __always_inline int take_vlan(struct cursor *c)
{
	struct vlan *vlan = c->at;

	if ((void *)(vlan + 1) > c->end)
		return -1;
	c->at = vlan + 1;
	return bpf_ntohs(vlan->protocol);
}

static __always_inline int take(struct cursor *c, int protocol)
{
	switch (protocol) {
	case ETH_P_IP:
		return take_ip(c);
	case ETH_P_IPV6:
		return take_ip6(c);
	case 1:
		return take_gre(c);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return take_vlan(c);
	}
	return -1;
}

static __noinline int depth_of(struct __sk_buff *skb)
{
	struct cursor c = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	int protocol = bpf_ntohs(skb->protocol), level;

	for (level = 0; level < MAX_LEVELS; level++) {
		protocol = take(&c, protocol);
		if (protocol < 0)
			break;
	}
	return level;
}

SEC("nf/inet/forward")
int depth(struct __sk_buff *skb)
{
	u32 level = depth_of(skb);
	u64 one = 1, *n = bpf_map_lookup_elem(&levels, &level);

	if (n)
		++*n;
	else
		bpf_map_update_elem(&levels, &level, &one, BPF_ANY);
	return level == MAX_LEVELS ? KAPSEL_DROP : KAPSEL_ACCEPT;
}

/* With offsets handed from function to function, none of them inlined. */
static __noinline int ip_at(struct __sk_buff *skb, u32 off, u32 *next)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return -1;
	*next = off + ip.ihl * 4;
	return ip.protocol;
}

static __noinline int gre_at(struct __sk_buff *skb, u32 off, u32 *next)
{
	struct gre gre;

	if (bpf_skb_load_bytes(skb, off, &gre, sizeof(gre)) || gre.flags)
		return -1;
	*next = off + sizeof(gre);
	return gre.protocol;
}

SEC("nf/inet/input")
int inner(struct __sk_buff *skb)
{
	u32 off = 0;

	if (ip_at(skb, off, &off) != IPPROTO_GRE)
		return KAPSEL_ACCEPT;
	if (gre_at(skb, off, &off) != bpf_htons(ETH_P_IP))
		return KAPSEL_ACCEPT;
	return ip_at(skb, off, &off) != IPPROTO_GRE;
}

char LICENSE[] SEC("license") = "GPL";
