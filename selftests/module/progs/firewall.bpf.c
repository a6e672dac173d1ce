// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of a firewall as functions, each beside what nftables said of the same packet
 * in its mark: bit n is row n of nft_rules.tbl. Twice, for packets read by helper and
 * directly.
 */

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

#define NFT_LATER (1u << 31)	/* nftables: a later fragment */
#define MAX_HEADERS 1024
#define MAX_TCP_OPTIONS 40
#define SAMPLE 96

/* Of ICMP, whose header wants all of libc. */
#define ECHO_REQUEST 8
#define TIME_EXCEEDED 11

enum rule {
#define RULE(name, nft) RULE_##name,
#define BEHIND(name, nft) RULE_##name,
#include "../lib/nft_rules.tbl"
#undef RULE
#undef BEHIND
	RULES,
};

enum way { BY_HELPER, DIRECTLY, WAYS };

/* For each way and rule: neither, ours only, nftables' only, both. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAYS * RULES * 4);
	__type(key, u32);
	__type(value, u64);
} answers SEC(".maps");

/* The first packet, of each rule, of which the two say different things. */
struct sample {
	u32 hook;
	u32 mark;
	u32 len;
	u32 way;
	u8 data[SAMPLE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RULES);
	__type(key, u32);
	__type(value, struct sample);
} samples SEC(".maps");

struct network4 {
	u32 prefixlen;
	u8 addr[4];
};

struct network6 {
	u32 prefixlen;
	u8 addr[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network4);
	__type(value, u64);
} prefixes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network6);
	__type(value, u64);
} prefixes6 SEC(".maps");

/* Packets that are several on the wire: of TCP and of UDP, of IPv4 and of IPv6. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} aggregates SEC(".maps");

const volatile u32 wire;

/* What an IPv6 packet's extension headers are, as bits. */
enum {
	HAS_HOP_BY_HOP = 1,
	HAS_ROUTING = 2,
	HAS_FRAGMENT = 4,
	HAS_DESTINATION = 8,
	HAS_AH = 16,
	MORE_FRAGMENTS = 32,
	LATER_FRAGMENT = 64,
	ODD_FRAGMENT = 128,
};

/**
 * struct packet - what all rules want to know of it
 * @skb: the packet
 * @way: how its bytes are read
 * @version: 4 or 6
 * @proto: of the transport header, if @found
 * @off: where that is, if it is @first
 * @found: all extension headers are there
 * @first: not a later fragment
 * @seen: extension headers of IPv6
 * @next: the one that is walked to
 * @at: where that is
 */
struct packet {
	struct __sk_buff *skb;
	enum way way;
	u32 version;
	u32 proto;
	u32 off;
	bool found;
	bool first;
	u32 seen;
	u32 next;
	u32 at;
};

/* All @len bytes at @off, or nothing. */
static __always_inline bool get(const struct packet *p, u32 off, void *to, u32 len)
{
	void *data, *end;

	if (p->way == BY_HELPER)
		return !bpf_skb_load_bytes(p->skb, off, to, len);
	data = (void *)(long)p->skb->data;
	end = (void *)(long)p->skb->data_end;
	if (off > 0xffff)
		return false;
	data += off;
	if (data + len > end)
		return false;
	__builtin_memcpy(to, data, len);
	return true;
}

static __always_inline void find_ipv4(struct packet *p)
{
	struct iphdr ip;

	if (!get(p, 0, &ip, sizeof(ip)))
		return;
	p->proto = ip.protocol;
	p->off = ip.ihl * 4;
	p->first = !(ip.frag_off & bpf_htons(0x1fff));
	p->found = true;
}

static __always_inline bool is_extension(u32 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_FRAGMENT || proto == IPPROTO_DSTOPTS || proto == IPPROTO_AH;
}

static __always_inline u32 bit_of(u32 proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
		return HAS_HOP_BY_HOP;
	case IPPROTO_ROUTING:
		return HAS_ROUTING;
	case IPPROTO_FRAGMENT:
		return HAS_FRAGMENT;
	case IPPROTO_DSTOPTS:
		return HAS_DESTINATION;
	case IPPROTO_AH:
		return HAS_AH;
	}
	return 0;
}

/* The transport header is known as soon as one is there; an AH counts as one. */
static __always_inline void arrive(struct packet *p, u32 proto, u32 off, bool first)
{
	if (p->found)
		return;
	p->proto = proto;
	p->off = off;
	p->first = first;
	p->found = true;
}

/* nftables looks at the first fragment header only, and for it behind an AH too. */
static __always_inline void note_fragment(struct packet *p, u32 frag)
{
	if (p->seen & (HAS_FRAGMENT | HAS_AH))
		p->seen |= ODD_FRAGMENT;
	if (p->seen & HAS_FRAGMENT)
		return;
	if (frag & 1)
		p->seen |= MORE_FRAGMENTS;
	if (frag >> 3)
		p->seen |= LATER_FRAGMENT;
}

/* The header behind this one, or -1 */
static __always_inline int step(struct packet *p, u32 proto, u32 *off)
{
	u8 head[4] = {};
	u32 need = proto == IPPROTO_FRAGMENT || proto == IPPROTO_ROUTING ? 4 : 2;
	u32 len, frag;

	if (need == 4 ? !get(p, *off, head, 4) : !get(p, *off, head, 2))
		return -1;
	len = (head[1] + 1) * 8;
	if (proto == IPPROTO_AH)
		len = (head[1] + 2) * 4;
	if (proto == IPPROTO_FRAGMENT) {
		len = 8;
		frag = head[2] << 8 | head[3];
		note_fragment(p, frag);
		if (frag >> 3) {
			p->seen |= HAS_FRAGMENT;
			if (!is_extension(head[0]))
				arrive(p, head[0], 0, false);
			return -1;
		}
	}
	p->seen |= bit_of(proto);
	if (p->skb->len < *off + len)
		return -1;
	*off += len;
	return head[0];
}

static int walk(u32 index, void *arg)
{
	struct packet *p = arg;
	int proto = p->next;

	if (!is_extension(proto) || proto == IPPROTO_AH)
		arrive(p, proto, p->at, true);
	if (!is_extension(proto))
		return 1;
	proto = step(p, proto, &p->at);
	p->next = proto;
	return proto < 0;
}

static __always_inline void find_ipv6(struct packet *p)
{
	struct ipv6hdr ip;

	if (!get(p, 0, &ip, sizeof(ip)))
		return;
	p->next = ip.nexthdr;
	p->at = sizeof(ip);
	bpf_loop(MAX_HEADERS, walk, p, 0);
}

/* Byte @off of the transport header, and those behind it. */
static __always_inline bool get_transport(const struct packet *p, u32 off, void *to, u32 len)
{
	return p->found && p->first && get(p, p->off + off, to, len);
}

static __always_inline bool is_proto(const struct packet *p, u32 proto)
{
	return p->found && p->proto == proto;
}

static __always_inline bool rule_ipv4(const struct packet *p)
{
	return p->version == 4;
}

static __always_inline bool rule_tcp(const struct packet *p)
{
	return is_proto(p, IPPROTO_TCP);
}

static __always_inline bool rule_udp_ports(const struct packet *p)
{
	u16 port = 0;

	return is_proto(p, IPPROTO_UDP) && get_transport(p, 2, &port, 2) &&
	       bpf_ntohs(port) >= 1000 && bpf_ntohs(port) <= 8000;
}

static __always_inline bool rule_known_ports(const struct packet *p)
{
	u16 port = 0;

	if (!is_proto(p, IPPROTO_TCP) && !is_proto(p, IPPROTO_UDP))
		return false;
	if (!get_transport(p, 0, &port, 2))
		return false;
	port = bpf_ntohs(port);
	return port == 53 || port == 443 || port == 7901;
}

static __always_inline bool rule_syn(const struct packet *p)
{
	u8 flags = 0;

	return is_proto(p, IPPROTO_TCP) && get_transport(p, 13, &flags, 1) &&
	       (flags & 0x12) == 0x02;
}

/* The first maximum segment size among the options of a whole TCP header. */
static __always_inline bool rule_mss(const struct packet *p)
{
	u32 len, i, at = sizeof(struct tcphdr);
	u8 opt[2] = {}, doff = 0, last = 0;
	u16 mss = 0;

	if (!is_proto(p, IPPROTO_TCP) || !get_transport(p, 12, &doff, 1))
		return false;
	len = doff >> 4 << 2;
	if (len < sizeof(struct tcphdr) || !get_transport(p, len - 1, &last, 1))
		return false;
	for (i = 0; i < MAX_TCP_OPTIONS && at < len - 1; i++) {
		if (!get_transport(p, at, opt, 2))
			return false;
		if (opt[0] != 2) {
			at += opt[0] <= 1 || !opt[1] ? 1 : opt[1];
			continue;
		}
		if (opt[1] < 4 || at + opt[1] > len || !get_transport(p, at + 2, &mss, 2))
			return false;
		return bpf_ntohs(mss) >= 100 && bpf_ntohs(mss) <= 65000;
	}
	return false;
}

static __always_inline bool rule_icmp(const struct packet *p)
{
	u8 type = 0;

	return p->version == 4 && is_proto(p, IPPROTO_ICMP) && get_transport(p, 0, &type, 1) &&
	       (type == ECHO_REQUEST || type == TIME_EXCEEDED);
}

static __always_inline bool rule_icmp6(const struct packet *p)
{
	u8 type = 0;

	return p->version == 6 && is_proto(p, IPPROTO_ICMPV6) && get_transport(p, 0, &type, 1) &&
	       (type == ICMPV6_ECHO_REQUEST || type == ICMPV6_ECHO_REPLY);
}

static __always_inline bool rule_payload(const struct packet *p)
{
	u8 byte = 0;

	return get_transport(p, 8, &byte, 1) && byte <= 127;
}

static __always_inline bool rule_udp_length(const struct packet *p)
{
	u16 len = 0;

	return is_proto(p, IPPROTO_UDP) && get_transport(p, 4, &len, 2) &&
	       bpf_ntohs(len) >= 12 && bpf_ntohs(len) <= 100;
}

static __always_inline bool rule_networks4(const struct packet *p)
{
	struct network4 key = { .prefixlen = 32 };

	return p->version == 4 && get(p, 12, key.addr, 4) &&
	       bpf_map_lookup_elem(&prefixes4, &key);
}

static __always_inline bool rule_networks6(const struct packet *p)
{
	struct network6 key = { .prefixlen = 128 };

	return p->version == 6 && get(p, 8, key.addr, 16) &&
	       bpf_map_lookup_elem(&prefixes6, &key);
}

static __always_inline bool rule_ttl(const struct packet *p)
{
	u8 ttl = 0;

	return p->version == 4 && get(p, 8, &ttl, 1) && ttl < 40;
}

static __always_inline bool rule_hoplimit(const struct packet *p)
{
	u8 limit = 0;

	return p->version == 6 && get(p, 7, &limit, 1) && limit < 40;
}

static __always_inline bool rule_dscp(const struct packet *p)
{
	u8 tos = 0;

	return p->version == 4 && get(p, 1, &tos, 1) && tos >> 2 == 46;
}

static __always_inline bool rule_dscp6(const struct packet *p)
{
	u16 word = 0;

	return p->version == 6 && get(p, 0, &word, 2) && (bpf_ntohs(word) >> 6 & 63) == 46;
}

static __always_inline bool rule_length(const struct packet *p)
{
	return p->skb->len >= 60 && p->skb->len <= 200;
}

static __always_inline bool rule_total_length(const struct packet *p)
{
	u16 len = 0;

	return p->version == 4 && get(p, 2, &len, 2) && bpf_ntohs(len) > 100;
}

/* Of an IPv4 packet; 0: not of a fragment */
static __always_inline u32 fragment_of(const struct packet *p)
{
	u16 frag = 0;

	return p->version == 4 && get(p, 6, &frag, 2) ? bpf_ntohs(frag) & 0x3fff : 0;
}

static __always_inline bool rule_first4(const struct packet *p)
{
	return fragment_of(p) == 0x2000;
}

static __always_inline bool rule_later4(const struct packet *p)
{
	return fragment_of(p) & 0x1fff;
}

static __always_inline bool rule_first6(const struct packet *p)
{
	return (p->seen & (MORE_FRAGMENTS | LATER_FRAGMENT)) == MORE_FRAGMENTS;
}

static __always_inline bool rule_later6(const struct packet *p)
{
	return p->seen & LATER_FRAGMENT;
}

static __always_inline bool rule_options(const struct packet *p)
{
	u8 byte = 0;

	return p->version == 4 && get(p, 0, &byte, 1) && (byte & 15) > 5;
}

static __always_inline bool rule_router_alert(const struct packet *p)
{
	u8 byte = 0;

	return rule_options(p) && get(p, sizeof(struct iphdr), &byte, 1) && byte == 148;
}

static __always_inline bool rule_hop_by_hop(const struct packet *p)
{
	return p->seen & HAS_HOP_BY_HOP;
}

static __always_inline bool rule_routing(const struct packet *p)
{
	return p->seen & HAS_ROUTING;
}

static __always_inline bool rule_destination(const struct packet *p)
{
	return p->seen & HAS_DESTINATION;
}

static __always_inline bool rule_came_in(const struct packet *p)
{
	return KAPSEL_SKB(p->skb)->in_ifindex == wire;
}

static __always_inline bool rule_any_ports(const struct packet *p)
{
	if (p->found && !p->first)
		return p->skb->mark >> RULE_any_ports & 1;
	return rule_udp_ports(p);
}

static __always_inline void keep(const struct packet *p, u32 rule)
{
	struct sample s = {};
	u32 len = p->skb->len;

	s.hook = KAPSEL_SKB(p->skb)->hook;
	s.mark = p->skb->mark;
	s.len = len;
	s.way = p->way;
	if (len > SAMPLE)
		len = SAMPLE;
	if (len)
		bpf_skb_load_bytes(p->skb, 0, s.data, len);
	bpf_map_update_elem(&samples, &rule, &s, BPF_NOEXIST);
}

/* Both agree on whether there is a transport header to look at. */
static __always_inline bool comparable(const struct packet *p)
{
	bool later = p->found && !p->first;

	return !(p->seen & ODD_FRAGMENT) || !(p->skb->mark & NFT_LATER) == !later;
}

static __always_inline void compare(const struct packet *p, u32 rule, bool ours, bool asked)
{
	bool theirs = p->skb->mark >> rule & 1;
	u32 key = (p->way * RULES + rule) * 4 + theirs * 2 + ours;
	u64 *n;

	if (!asked)
		return;
	n = bpf_map_lookup_elem(&answers, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	if (ours != theirs)
		keep(p, rule);
}

static __always_inline void count_aggregates(const struct packet *p)
{
	u32 key = is_proto(p, IPPROTO_UDP) * 2 + (p->version == 6);
	u64 *n;

	if (p->skb->gso_segs <= 1)
		return;
	n = bpf_map_lookup_elem(&aggregates, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline int compare_all(struct __sk_buff *skb, enum way way)
{
	struct packet p = { .skb = skb, .way = way };
	bool asked;

	p.version = skb->protocol == bpf_htons(0x86dd) ? 6 : 4;
	if (p.version == 4)
		find_ipv4(&p);
	else
		find_ipv6(&p);
	count_aggregates(&p);
	asked = comparable(&p);
#define RULE(name, nft) compare(&p, RULE_##name, rule_##name(&p), true),
#define BEHIND(name, nft) compare(&p, RULE_##name, rule_##name(&p), asked),
#include "../lib/nft_rules.tbl"
#undef RULE
#undef BEHIND
	(void)0;
	return KAPSEL_ACCEPT;
}

SEC("nf/inet/prerouting")
int by_helper(struct __sk_buff *skb)
{
	return compare_all(skb, BY_HELPER);
}

SEC("nf/inet/prerouting")
int directly(struct __sk_buff *skb)
{
	return compare_all(skb, DIRECTLY);
}

char LICENSE[] SEC("license") = "GPL";
