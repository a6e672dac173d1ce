// SPDX-License-Identifier: GPL-2.0-only
/* Programs for cli_test.sh: maps of the less common types, as objects define them */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 127 * sizeof(u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} recent SEC(".maps");

struct route {
	u32 bits;
	u8 addr[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route);
	__type(value, u64);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, u64);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 16);
	__uint(map_extra, 3);
	__type(value, u64);
} met SEC(".maps");

SEC("kprobe/vfs_read")
int who_calls(struct pt_regs *ctx)
{
	u64 top[2];

	if (bpf_get_stack(ctx, top, sizeof(top), 0) == sizeof(top))
		bpf_get_stackid(ctx, &stacks, 0);
	return 0;
}

/* 10.0.0.0/8 is stored, and found by 10.1.2.3. */
SEC("kprobe/vfs_read")
int fills(struct pt_regs *ctx)
{
	struct route net = { 8, { 10 } }, host = { 32, { 10, 1, 2, 3 } };
	u64 value = 4711, *found;
	u32 key = 7;

	bpf_map_update_elem(&routes, &net, &value, BPF_ANY);
	found = bpf_map_lookup_elem(&routes, &host);
	if (!found)
		return 0;
	bpf_map_update_elem(&recent, &key, found, BPF_ANY);
	bpf_map_push_elem(&waiting, found, BPF_EXIST);
	bpf_map_push_elem(&met, found, BPF_ANY);
	if (!bpf_map_peek_elem(&met, &value) && !bpf_map_peek_elem(&waiting, &value)) {
		key = 8;
		bpf_map_update_elem(&recent, &key, &value, BPF_ANY);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
