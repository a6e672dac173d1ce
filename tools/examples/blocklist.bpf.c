// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops what comes from networks on a list, IPv4 and IPv6, and counts it by network:
 *	kapsel load blocklist.bpf.o --pin blocklist
 *	kapsel map set networks4 192.0.2.0/24 0
 *	kapsel map set networks6 2001:db8::/32 0
 */

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kapsel.bpf.h"

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
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network4);
	__type(value, u64);
} networks4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct network6);
	__type(value, u64);
} networks6 SEC(".maps");

/* The counter of the smallest network on the list that the sender is in, or NULL. */
static __always_inline u64 *find(void *data, void *end)
{
	struct network4 from4 = { .prefixlen = 32 };
	struct network6 from6 = { .prefixlen = 128 };
	struct iphdr *ip = data;
	struct ipv6hdr *ip6 = data;

	if ((void *)(ip + 1) <= end && ip->version == 4) {
		__builtin_memcpy(from4.addr, &ip->saddr, sizeof(from4.addr));
		return bpf_map_lookup_elem(&networks4, &from4);
	}
	if ((void *)(ip6 + 1) > end || ip6->version != 6)
		return NULL;
	__builtin_memcpy(from6.addr, &ip6->saddr, sizeof(from6.addr));
	return bpf_map_lookup_elem(&networks6, &from6);
}

SEC("nf/inet/prerouting/-300")
int blocklist(struct __sk_buff *skb)
{
	u64 *dropped = find((void *)(long)skb->data, (void *)(long)skb->data_end);

	if (!dropped)
		return KAPSEL_ACCEPT;
	__sync_fetch_and_add(dropped, 1);
	return KAPSEL_DROP;
}

char LICENSE[] SEC("license") = "GPL";
