// SPDX-License-Identifier: GPL-2.0-only
/* Packets and bytes of each cgroup and direction, by user */

#include "people.h"

struct key {
	u64 cgroup;
	u32 uid;
	u32 out;
};

struct count {
	u64 packets;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct count);
} counts SEC(".maps");

static __always_inline int account(struct __sk_buff *skb, u32 out)
{
	struct count one = { .packets = 1, .bytes = skb->len }, *count;
	struct key key = {};

	key.cgroup = bpf_skb_cgroup_id(skb);
	key.uid = bpf_get_socket_uid(skb);
	key.out = out;
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count) {
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
		return 1;
	}
	count->packets++;
	count->bytes += skb->len;
	return 1;
}

SEC("cgroup_skb/ingress")
int account_in(struct __sk_buff *skb)
{
	return account(skb, 0);
}

SEC("cgroup_skb/egress")
int account_out(struct __sk_buff *skb)
{
	return account(skb, 1);
}

char LICENSE[] SEC("license") = "GPL";
