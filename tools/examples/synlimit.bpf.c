// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets each address open at most so many TCP connections a second, IPv4 and IPv6; what
 * is over that is dropped, and counted:
 *	kapsel run --set burst=20 --set per_second=10 synlimit.bpf.o
 */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

#define SECOND 1000000000ULL

const volatile u64 burst = 20;
const volatile u64 per_second = 10;

struct address {
	u8 bytes[16];
};

/* Tokens, in billionths: a connection takes one, each second gives some back. */
struct bucket {
	u64 tokens;
	u64 at;
	u64 let_in;
	u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct address);
	__type(value, struct bucket);
} buckets SEC(".maps");

/* IPv4 addresses as IPv6 has them, ::ffff:192.0.2.1. */
static __always_inline void map_v4(struct address *addr, __be32 v4)
{
	addr->bytes[10] = 0xff;
	addr->bytes[11] = 0xff;
	__builtin_memcpy(&addr->bytes[12], &v4, sizeof(v4));
}

static __always_inline bool is_syn(struct __sk_buff *skb, u32 off)
{
	struct tcphdr tcp;

	return !bpf_skb_load_bytes(skb, off, &tcp, sizeof(tcp)) && tcp.syn && !tcp.ack;
}

/* Is it a first packet of TCP's, and whose? Behind extension headers nobody looks. */
static __always_inline bool opens(struct __sk_buff *skb, struct address *from)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	struct ipv6hdr *ip6 = data;

	if ((void *)(ip + 1) <= end && ip->version == 4) {
		if (ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(0x1fff))
			return false;
		map_v4(from, ip->saddr);
		return is_syn(skb, ip->ihl * 4);
	}
	if ((void *)(ip6 + 1) > end || ip6->nexthdr != IPPROTO_TCP)
		return false;
	__builtin_memcpy(from, &ip6->saddr, sizeof(*from));
	return is_syn(skb, sizeof(*ip6));
}

/* Two CPUs may both take a last token: a limit to the flood, no ledger. */
static __always_inline int take(struct bucket *bucket, u64 now)
{
	u64 tokens = bucket->tokens + (now - bucket->at) * per_second;

	if (tokens > burst * SECOND)
		tokens = burst * SECOND;
	bucket->at = now;
	if (tokens < SECOND) {
		bucket->tokens = tokens;
		bucket->dropped++;
		return KAPSEL_DROP;
	}
	bucket->tokens = tokens - SECOND;
	bucket->let_in++;
	return KAPSEL_ACCEPT;
}

SEC("nf/inet/input/-200")
int synlimit(struct __sk_buff *skb)
{
	struct address from = {};
	struct bucket *bucket, fresh = {};
	u64 now = bpf_ktime_get_ns();

	if (!opens(skb, &from))
		return KAPSEL_ACCEPT;
	bucket = bpf_map_lookup_elem(&buckets, &from);
	if (bucket)
		return take(bucket, now);
	fresh.tokens = (burst - 1) * SECOND;
	fresh.at = now;
	fresh.let_in = 1;
	bpf_map_update_elem(&buckets, &from, &fresh, BPF_NOEXIST);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
