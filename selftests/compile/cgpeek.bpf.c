// SPDX-License-Identifier: GPL-2.0-only
/* Looks into what is sent: requests of HTTP/1 by method, and TLS hellos, by port */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "people.h"

enum kind { OTHER, GET, POST, PUT, HEAD, TLS, KINDS };

struct seen {
	u64 count[KINDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u16);
	__type(value, struct seen);
} ports SEC(".maps");

static const char methods[][4] = {
	[GET] = "GET ", [POST] = "POST", [PUT] = "PUT ", [HEAD] = "HEAD",
};

static __always_inline enum kind kind_of(const u8 *text)
{
	for (int i = GET; i <= HEAD; i++) {
		bool same = true;

		for (int n = 0; n < 4; n++)
			same &= methods[i][n] == text[n];
		if (same)
			return i;
	}
	return text[0] == 0x16 && text[1] == 3 ? TLS : OTHER;
}

SEC("cgroup_skb/egress")
int peek(struct __sk_buff *skb)
{
	struct seen none = {}, *seen;
	struct tcphdr tcp;
	struct iphdr ip;
	u8 text[4];
	u32 at, kind;
	u16 port;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) ||
	    ip.protocol != IPPROTO_TCP)
		return 1;
	at = ip.ihl * 4;
	if (bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)))
		return 1;
	at += tcp.doff * 4;
	if (at + sizeof(text) > skb->len || bpf_skb_load_bytes(skb, at, text, sizeof(text)))
		return 1;
	kind = kind_of(text);
	port = bpf_ntohs(tcp.dest);
	seen = bpf_map_lookup_elem(&ports, &port);
	if (!seen) {
		bpf_map_update_elem(&ports, &port, &none, BPF_NOEXIST);
		seen = bpf_map_lookup_elem(&ports, &port);
	}
	if (seen && kind < KINDS)
		__sync_fetch_and_add(&seen->count[kind], 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
