// SPDX-License-Identifier: GPL-2.0-only
/* TCP's options by what is left of them, in eight bits, and out of a copy on the stack */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

#define OPTIONS_LEN 40
#define SERVER_ID 0xb7

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u32);
} servers SEC(".maps");

/* What the option says, 0: go on, -1: that was the last. */
static __always_inline int one_option(void *data, void *end, u8 *left, u32 *off)
{
	u8 *option = data + *off, len = 1;

	if (!*left || (void *)(option + 1) > end || !option[0])
		return -1;
	if (option[0] != 1) {
		if ((void *)(option + 2) > end || *left < 2)
			return -1;
		len = option[1];
		if (len < 2 || len > *left)
			return -1;
		if (option[0] == SERVER_ID && len == 6)
			return (void *)(option + 6) > end ? -1 : *(int *)(option + 2);
	}
	*left -= len;
	*off += len;
	return 0;
}

SEC("cgroup_skb/ingress")
int what_is_left(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct tcphdr *tcp = data + sizeof(struct iphdr);
	u32 off = sizeof(struct iphdr) + sizeof(*tcp);
	struct iphdr *ip = data;
	int i, id = 0;
	u8 left;

	if ((void *)(tcp + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_TCP ||
	    tcp->doff < 6)
		return KAPSEL_ACCEPT;
	left = (tcp->doff << 2) - sizeof(*tcp);
	for (i = 0; i < 15 && !id; i++)
		id = one_option(data, end, &left, &off);
	if (id > 0)
		bpf_map_update_elem(&servers, &ip->saddr, &id, BPF_ANY);
	return KAPSEL_ACCEPT;
}

SEC("cgroup_skb/egress")
int copied(struct __sk_buff *skb)
{
	u8 options[OPTIONS_LEN] = {}, kind, size;
	u32 len, i = 0, stamp = 0, key = 0;
	struct tcphdr tcp;

	if (bpf_skb_load_bytes(skb, 20, &tcp, sizeof(tcp)))
		return KAPSEL_ACCEPT;
	len = tcp.doff * 4;
	if (len <= sizeof(tcp) || len > sizeof(tcp) + OPTIONS_LEN)
		return KAPSEL_ACCEPT;
	if (bpf_skb_load_bytes(skb, 40, options, len - sizeof(tcp)))
		return KAPSEL_ACCEPT;
	while (i < OPTIONS_LEN - 1) {
		kind = options[i];
		if (!kind)
			break;
		if (kind == 1) {
			i++;
			continue;
		}
		size = options[i + 1];
		if (size < 2)
			break;
		if (kind == 8 && size == 10 && i + 10 <= OPTIONS_LEN)
			__builtin_memcpy(&stamp, options + i + 2, sizeof(stamp));
		i += size;
	}
	bpf_map_update_elem(&servers, &key, &stamp, BPF_ANY);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
