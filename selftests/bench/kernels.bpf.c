// SPDX-License-Identifier: GPL-2.0-only
/* What is timed by test runs, in kapsel and in Linux: computing, maps, a ring buffer */

#include "kapsel.bpf.h"
#include "kernels.h"

#define OPS 100		/* of those that are timed by the operation */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, u64);
} local SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

/* Alone in .data, and so as aligned as words want it. */
u8 packet[1536] = KERNEL_PACKET;

SEC("cgroup_skb/ingress")
int empty(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/ingress")
int mix(struct __sk_buff *skb)
{
	return kernel_mix(skb->len) != 1;
}

SEC("cgroup_skb/ingress")
int parse(struct __sk_buff *skb)
{
	return kernel_packet(packet) != 1;
}

SEC("cgroup_skb/ingress")
int fnv(struct __sk_buff *skb)
{
	return kernel_fnv(packet) != 1;
}

SEC("cgroup_skb/ingress")
int jenkins(struct __sk_buff *skb)
{
	return kernel_jenkins(packet) != 1;
}

/* What the loop costs that the operations are in. */
SEC("cgroup_skb/ingress")
int ops_none(struct __sk_buff *skb)
{
	u64 key;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		asm volatile("" : : "r"(&key) : "memory");
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_array(struct __sk_buff *skb)
{
	u32 i, key;
	u64 *n;

	for (i = 0; i < OPS; i++) {
		key = i;
		n = bpf_map_lookup_elem(&numbers, &key);
		if (n)
			*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_percpu(struct __sk_buff *skb)
{
	u32 i, key;
	u64 *n;

	for (i = 0; i < OPS; i++) {
		key = i;
		n = bpf_map_lookup_elem(&local, &key);
		if (n)
			*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_update(struct __sk_buff *skb)
{
	u64 key;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		bpf_map_update_elem(&table, &key, &key, BPF_ANY);
	}
	return 1;
}

/* After those have put something in. */
SEC("cgroup_skb/ingress")
int ops_hash(struct __sk_buff *skb)
{
	u64 key, *n;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		n = bpf_map_lookup_elem(&table, &key);
		if (n)
			*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_ring(struct __sk_buff *skb)
{
	u64 *record;
	u32 i;

	for (i = 0; i < OPS; i++) {
		record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
		if (!record)
			return 0;
		*record = i;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	}
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
