// SPDX-License-Identifier: GPL-2.0-only
/* A socket filter: bytes by the protocol of the packet, which is let through cut to its head. */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SNAP 96

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} bytes SEC(".maps");

SEC("socket")
int sockfilter(struct __sk_buff *skb)
{
	struct iphdr ip;
	__u64 *count;
	__u32 key;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	key = ip.protocol;
	count = bpf_map_lookup_elem(&bytes, &key);
	if (count)
		__sync_fetch_and_add(count, skb->len);
	return skb->len > SNAP ? SNAP : skb->len;
}

char _license[] SEC("license") = "GPL";
