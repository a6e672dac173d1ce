// SPDX-License-Identifier: GPL-2.0-only
/* Programs for cli_test.sh: one of each kind that the command handles */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct event {
	u32 number;
	char comm[16];
};

/* Only types of what is global get into the BTF. */
const struct event *unused;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");

SEC("kprobe/vfs_read")
int count_calls(struct pt_regs *ctx)
{
	u32 key = 1;
	u64 one = 1, *n;

	n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return 0;
}

SEC("kprobe/vfs_read")
int events(struct pt_regs *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);

	if (!e)
		return 0;
	e->number = 42;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("kprobe/vfs_read")
int speaks(struct pt_regs *ctx)
{
	bpf_printk("spoken %d %d %d", 1, 2, 3);
	return 0;
}

SEC("kprobe/no_such_function_here")
int nowhere(struct pt_regs *ctx)
{
	return 0;
}

SEC("cgroup_skb/ingress")
int always_drops(struct __sk_buff *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
