// SPDX-License-Identifier: GPL-2.0-only
/* Which names this machine asks DNS for, over UDP: an event for each question */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

#define DNS_PORT 53
#define DNS_HEADER 12
#define NAME_LEN 128

enum dns_type {
	A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33,
	DS = 43, HTTPS = 65, ANY = 255,
};

struct dns_event {
	u64 ts;
	u16 id;
	u16 len;
	enum dns_type type;
	char name[NAME_LEN];
};

KAPSEL_EVENT(struct dns_event);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} queries SEC(".maps");

/* Where the message begins, if the packet has one; else 0. */
static __always_inline u32 find_dns(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	struct ipv6hdr *ip6 = data;
	struct udphdr udp;
	u32 off;

	if ((void *)(ip + 1) <= end && ip->version == 4 && ip->protocol == IPPROTO_UDP)
		off = ip->ihl * 4;
	else if ((void *)(ip6 + 1) <= end && ip6->version == 6 && ip6->nexthdr == IPPROTO_UDP)
		off = sizeof(*ip6);
	else
		return 0;
	if (bpf_skb_load_bytes(skb, off, &udp, sizeof(udp)) || udp.dest != bpf_htons(DNS_PORT))
		return 0;
	return off + sizeof(udp);
}

/*
 * The question's name as people write it. Each label is its length and so many bytes:
 * of the lengths, which lie between labels, points are made.
 */
static __always_inline u32 make_name(char *name)
{
	u32 next = 0, i;

	for (i = 0; i < NAME_LEN - 1; i++) {
		u8 c = name[i];

		if (i != next)
			continue;
		if (!c || c > 63)
			break;
		next = i + c + 1;
		name[i] = '.';
	}
	name[i] = '\0';
	return i;
}

static __always_inline void read_name(struct __sk_buff *skb, u32 off, struct dns_event *event)
{
	u32 len = skb->len - off;
	__be16 type = 0;

	if (len > NAME_LEN)
		len = NAME_LEN;
	__builtin_memset(event->name, 0, NAME_LEN);
	if (!len || bpf_skb_load_bytes(skb, off, event->name, len))
		return;
	event->len = make_name(event->name);
	bpf_skb_load_bytes(skb, off + event->len + 1, &type, sizeof(type));
	event->type = bpf_ntohs(type);
}

SEC("nf/inet/output")
int dnslog(struct __sk_buff *skb)
{
	u32 off = find_dns(skb);
	struct dns_event *event;
	__be16 id = 0;

	if (!off || off + DNS_HEADER >= skb->len)
		return KAPSEL_ACCEPT;
	event = bpf_ringbuf_reserve(&queries, sizeof(*event), 0);
	if (!event)
		return KAPSEL_ACCEPT;
	bpf_skb_load_bytes(skb, off, &id, sizeof(id));
	event->ts = bpf_ktime_get_ns();
	event->id = bpf_ntohs(id);
	event->len = 0;
	event->type = 0;
	read_name(skb, off + DNS_HEADER, event);
	bpf_ringbuf_submit(event, 0);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
