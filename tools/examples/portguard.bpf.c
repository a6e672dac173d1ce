// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops packets to TCP and UDP ports on a list, IPv4 and IPv6:
 *	kapsel map set blocklist 8080 0
 * The value counts what was dropped.
 */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

#define MAX_EXTENSIONS 8
#define FRAGMENT_OFFSET 0x1fff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u16);
	__type(value, u64);
} blocklist SEC(".maps");

enum verdict {
	DROPPED,
	ACCEPTED,
	NOT_LOOKED_AT,
	VERDICTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICTS);
	__type(key, enum verdict);
	__type(value, u64);
} verdicts SEC(".maps");

/* What TCP and UDP headers begin with. */
struct ports {
	__be16 source;
	__be16 dest;
};

/* The two bytes that all extension headers walked here begin with. */
struct extension {
	u8 next;
	u8 len;
};

/* Where the transport header is; 0: not known. */
struct transport {
	u32 off;
	u8 proto;
};

static __always_inline void find_ipv4(void *data, void *end, struct transport *at)
{
	struct iphdr *ip = data;

	if ((void *)(ip + 1) > end)
		return;
	/* Only a first fragment has ports. */
	if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
		return;
	at->proto = ip->protocol;
	at->off = ip->ihl * 4;
}

static __always_inline void find_ipv6(void *data, void *end, struct transport *at)
{
	struct ipv6hdr *ip = data;
	u32 off = sizeof(*ip), i;
	u8 proto;

	if ((void *)(ip + 1) > end)
		return;
	proto = ip->nexthdr;
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		struct extension *ext = data + off;

		if (proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING &&
		    proto != IPPROTO_DSTOPTS)
			break;
		if ((void *)(ext + 1) > end)
			return;
		proto = ext->next;
		off += (ext->len + 1) * 8;
	}
	at->proto = proto;
	at->off = off;
}

static __always_inline int judge(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct transport at = {};
	struct ports *ports;
	u64 *hits;
	u16 port;

	if (data + 1 > end)
		return NOT_LOOKED_AT;
	if (*(u8 *)data >> 4 == 4)
		find_ipv4(data, end, &at);
	else
		find_ipv6(data, end, &at);
	if (!at.off || (at.proto != IPPROTO_TCP && at.proto != IPPROTO_UDP))
		return NOT_LOOKED_AT;
	ports = data + at.off;
	if ((void *)(ports + 1) > end)
		return NOT_LOOKED_AT;
	port = bpf_ntohs(ports->dest);
	hits = bpf_map_lookup_elem(&blocklist, &port);
	if (!hits)
		return ACCEPTED;
	__sync_fetch_and_add(hits, 1);
	return DROPPED;
}

SEC("nf/inet/input")
int portguard(struct __sk_buff *skb)
{
	u32 verdict = judge(skb);
	u64 *count = bpf_map_lookup_elem(&verdicts, &verdict);

	if (count)
		*count += 1;
	return verdict == DROPPED ? KAPSEL_DROP : KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
