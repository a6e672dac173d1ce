// SPDX-License-Identifier: GPL-2.0-only
/* A table for each CPU, and one for each kind of event, found in maps */

#include "kapsel.bpf.h"

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
};

struct table reads SEC(".maps"), writes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct table);
} tables SEC(".maps") = {
	.values = { &reads, &writes },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 16);
	__type(key, u64);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 8);
		__uint(key_size, 4);
		__uint(value_size, 16);
	});
} by_cgroup SEC(".maps");

static __noinline int count(void *table, u32 key)
{
	u64 one = 1, *n;

	if (!table)
		return 0;
	n = bpf_map_lookup_elem(table, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(table, &key, &one, BPF_NOEXIST);
	return 0;
}

SEC("kprobe/vfs_read")
int reading(struct pt_regs *ctx)
{
	u32 which = 0;

	return count(bpf_map_lookup_elem(&tables, &which), bpf_get_smp_processor_id());
}

SEC("kprobe/vfs_write")
int writing(struct pt_regs *ctx)
{
	u64 cgroup = bpf_get_current_cgroup_id(), *pair;
	u32 which = 1, cpu = bpf_get_smp_processor_id() & 7;
	void *table;

	count(bpf_map_lookup_elem(&tables, &which), cpu);
	table = bpf_map_lookup_elem(&by_cgroup, &cgroup);
	pair = table ? bpf_map_lookup_elem(table, &cpu) : NULL;
	if (pair) {
		pair[0]++;
		pair[1] = bpf_ktime_get_ns();
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
