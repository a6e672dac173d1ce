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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} table_each SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} recent SEC(".maps");

struct prefix {
	u32 bits;
	u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix);
	__type(value, u64);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1024);
	__type(value, u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
	__uint(max_entries, 1);
} records SEC(".maps");

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

/* An index that nobody knows the bounds of. */
SEC("cgroup_skb/ingress")
int ops_array_any(struct __sk_buff *skb)
{
	u32 i, key, first = skb->priority;
	u64 *n;

	for (i = 0; i < OPS; i++) {
		key = first + i;
		n = bpf_map_lookup_elem(&numbers, &key);
		if (n)
			*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_percpu_any(struct __sk_buff *skb)
{
	u32 i, key, first = skb->priority;
	u64 *n;

	for (i = 0; i < OPS; i++) {
		key = first + i;
		n = bpf_map_lookup_elem(&local, &key);
		if (n)
			*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_each_update(struct __sk_buff *skb)
{
	u64 key;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		if (bpf_map_update_elem(&table_each, &key, &key, BPF_ANY))
			return 0;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_lru_update(struct __sk_buff *skb)
{
	u64 key;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		if (bpf_map_update_elem(&recent, &key, &key, BPF_ANY))
			return 0;
	}
	return 1;
}

/* 10.0.0.0/24, 10.0.1.0/24 and so on. */
SEC("cgroup_skb/ingress")
int ops_trie_update(struct __sk_buff *skb)
{
	struct prefix key = { .bits = 24 };
	u64 value = 1;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key.address = 10 | i << 16;
		if (bpf_map_update_elem(&prefixes, &key, &value, BPF_ANY))
			return 0;
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
int ops_each(struct __sk_buff *skb)
{
	u64 key, *n;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		n = bpf_map_lookup_elem(&table_each, &key);
		if (!n)
			return 0;
		*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_lru(struct __sk_buff *skb)
{
	u64 key, *n;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key = i;
		n = bpf_map_lookup_elem(&recent, &key);
		if (!n)
			return 0;
		*n += 1;
	}
	return 1;
}

/* An address in each of the networks. */
SEC("cgroup_skb/ingress")
int ops_trie(struct __sk_buff *skb)
{
	struct prefix key = { .bits = 32 };
	u64 *n;
	u32 i;

	for (i = 0; i < OPS; i++) {
		key.address = 10 | i << 16 | 7 << 24;
		n = bpf_map_lookup_elem(&prefixes, &key);
		if (!n)
			return 0;
		*n += 1;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_queue(struct __sk_buff *skb)
{
	u64 value;
	u32 i;

	for (i = 0; i < OPS; i++) {
		value = i;
		if (bpf_map_push_elem(&queue, &value, 0) || bpf_map_pop_elem(&queue, &value))
			return 0;
	}
	return 1;
}

SEC("cgroup_skb/ingress")
int ops_perf(struct __sk_buff *skb)
{
	u64 value;
	u32 i;

	for (i = 0; i < OPS; i++) {
		value = i;
		if (bpf_perf_event_output(skb, &records, BPF_F_CURRENT_CPU, &value, sizeof(value)))
			return 0;
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
