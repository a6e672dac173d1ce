// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops packets to TCP and UDP ports on a list, IPv4 and IPv6:
 *	kapsel map set blocklist 8080 0
 * The value counts what was dropped. Of fragments, the first is looked at: without it
 * the others are nothing. Headers may lie anywhere in the packet's memory, so they are
 * read by a helper. Extension headers without an end are dropped.
 */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

#define MAX_EXTENSIONS 64
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

/* The two bytes that all extension headers begin with; of a fragment's, two more. */
struct extension {
	u8 next;
	u8 len;
	__be16 fragment;
};

/* Where the transport header is; @off 0: not known. */
struct transport {
	u32 off;
	u8 proto;
};

static __always_inline void find_ipv4(struct __sk_buff *skb, struct transport *at)
{
	struct iphdr ip = {};

	bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip));
	/* Only a first fragment has ports. */
	if (ip.frag_off & bpf_htons(FRAGMENT_OFFSET))
		return;
	at->proto = ip.protocol;
	at->off = ip.ihl * 4;
}

static __always_inline bool is_extension(u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_DSTOPTS;
}

/* false: there are too many extension headers. */
static __always_inline bool find_ipv6(struct __sk_buff *skb, struct transport *at)
{
	u32 off = sizeof(struct ipv6hdr), i;
	struct extension ext = {};
	struct ipv6hdr ip = {};
	u8 proto;

	bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip));
	proto = ip.nexthdr;
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		if (!is_extension(proto)) {
			at->proto = proto;
			at->off = off;
			return true;
		}
		if (bpf_skb_load_bytes(skb, off, &ext, sizeof(ext)))
			return true;
		off += proto == IPPROTO_FRAGMENT ? 8 : (ext.len + 1) * 8;
		if (proto == IPPROTO_FRAGMENT && ext.fragment & bpf_htons(0xfff8))
			return true;
		proto = ext.next;
	}
	return false;
}

static __always_inline int judge(struct __sk_buff *skb)
{
	struct transport at = {};
	struct ports ports;
	u64 *hits;
	u16 port;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		find_ipv4(skb, &at);
	else if (!find_ipv6(skb, &at))
		return DROPPED;
	if (!at.off || (at.proto != IPPROTO_TCP && at.proto != IPPROTO_UDP))
		return NOT_LOOKED_AT;
	if (bpf_skb_load_bytes(skb, at.off, &ports, sizeof(ports)))
		return NOT_LOOKED_AT;
	port = bpf_ntohs(ports.dest);
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
