// SPDX-License-Identifier: GPL-2.0-only
/* Checksums: of an IP header of any length, of N bytes, of a packet in pieces */

#include <linux/in.h>
#include <linux/ip.h>

#include "kapsel.bpf.h"

#define MAX_LEN 1480

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} sums SEC(".maps");

static __always_inline u16 fold(u32 sum)
{
	int i;

	for (i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("nf/inet/prerouting")
int header_sum(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	u16 *words = data;
	u32 sum = 0, i;

	if ((void *)(ip + 1) > end || ip->version != 4)
		return KAPSEL_ACCEPT;
	if (data + ip->ihl * 4 > end)
		return KAPSEL_DROP;
	for (i = 0; i < 30; i++) {
		if (i >= ip->ihl * 2)
			break;
		if ((void *)(words + i + 1) > end)
			return KAPSEL_DROP;
		sum += words[i];
	}
	return fold(sum) ? KAPSEL_DROP : KAPSEL_ACCEPT;
}

SEC("nf/inet/input")
int payload_sum(struct __sk_buff *skb)
{
	u8 *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u32 sum = 0, i, key = skb->hash;
	u64 value;

	for (i = 0; i < MAX_LEN; i += 2) {
		if (at + 2 > end)
			break;
		sum += *(u16 *)at;
		at += 2;
	}
	if (at + 1 == end)
		sum += *at;
	value = fold(sum);
	bpf_map_update_elem(&sums, &key, &value, BPF_ANY);
	return KAPSEL_ACCEPT;
}

SEC("nf/inet/postrouting")
int piecewise_sum(struct __sk_buff *skb)
{
	u32 off, i, len = skb->len, sum = 0, key = skb->hash;
	u16 piece[32];
	u64 value;

	for (off = 0; off + sizeof(piece) <= len && off < MAX_LEN; off += sizeof(piece)) {
		if (bpf_skb_load_bytes(skb, off, piece, sizeof(piece)))
			return KAPSEL_DROP;
		for (i = 0; i < ARRAY_SIZE(piece); i++)
			sum += piece[i];
	}
	len -= off;
	if (len > 0 && len < sizeof(piece)) {
		__builtin_memset(piece, 0, sizeof(piece));
		if (bpf_skb_load_bytes(skb, off, piece, len))
			return KAPSEL_DROP;
		for (i = 0; i < (len + 1) / 2; i++)
			sum += piece[i];
	}
	value = fold(sum);
	bpf_map_update_elem(&sums, &key, &value, BPF_ANY);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
