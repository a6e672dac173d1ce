// SPDX-License-Identifier: GPL-2.0-only
/* Datagrams of one port counted where they go, for Linux and for kapsel: the same object */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

#define PORT 7941

struct count {
	u64 packets;
	u64 bytes;
};

/* A count for each direction. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct count);
} each SEC(".maps");

/* The same, by each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, u64);
} each_cpu SEC(".maps");

/* One for both. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, u64);
	__type(value, u64);
} both SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, u64);
	__type(value, u64);
} both_cpus SEC(".maps");

static __always_inline bool is_ours(struct __sk_buff *skb)
{
	u32 at = skb->protocol == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr) :
						       sizeof(struct ipv6hdr);
	u8 protocol = 0;
	struct udphdr udp;

	bpf_skb_load_bytes(skb, at == sizeof(struct iphdr) ? 9 : 6, &protocol, 1);
	return protocol == IPPROTO_UDP && !bpf_skb_load_bytes(skb, at, &udp, sizeof(udp)) &&
	       udp.source == bpf_htons(PORT) && udp.dest == bpf_htons(PORT);
}

static __always_inline void count_each(struct __sk_buff *skb)
{
	struct count *count = bpf_get_local_storage(&each, 0);
	u64 *here = bpf_get_local_storage(&each_cpu, 0);

	__sync_fetch_and_add(&count->packets, 1);
	__sync_fetch_and_add(&count->bytes, skb->len);
	*here += 1;
}

static __always_inline void count_both(void)
{
	u64 *count = bpf_get_local_storage(&both, 0);
	u64 *here = bpf_get_local_storage(&both_cpus, 0);

	__sync_fetch_and_add(count, 1);
	*here += 1;
}

SEC("cgroup_skb/egress")
int out_each(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count_each(skb);
	return 1;
}

SEC("cgroup_skb/ingress")
int in_each(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count_each(skb);
	return 1;
}

SEC("cgroup_skb/egress")
int out_both(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count_both();
	return 1;
}

SEC("cgroup_skb/ingress")
int in_both(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count_both();
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
