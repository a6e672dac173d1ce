// SPDX-License-Identifier: GPL-2.0-only
/* Counters of a sample of calls, by size: 1 of 64, or a power of two given */

#include "kapsel.bpf.h"

const volatile u32 shift = 6;

struct sample {
	u64 calls;
	u64 bytes;
	u64 sizes[16];
};

struct sample totals;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sample);
} samples SEC(".maps");

SEC("kprobe/vfs_read")
int sampled_read(struct pt_regs *ctx)
{
	u64 bytes = PT_REGS_PARM3(ctx);
	struct sample *s;
	u32 zero = 0;

	if (bpf_get_prandom_u32() & 63)
		return 0;
	s = bpf_map_lookup_elem(&samples, &zero);
	if (!s)
		return 0;
	s->calls += 64;
	s->bytes += bytes * 64;
	s->sizes[(bytes >> 8) & 15]++;
	return 0;
}

SEC("kprobe/vfs_write")
int sampled_write(struct pt_regs *ctx)
{
	u64 bytes = PT_REGS_PARM3(ctx), mask = (1ull << shift) - 1;
	u32 slot;

	if (bpf_get_prandom_u32() & mask)
		return 0;
	__sync_fetch_and_add(&totals.calls, mask + 1);
	__sync_fetch_and_add(&totals.bytes, bytes << shift);
	slot = bytes / 4096;
	if (slot > 15)
		slot = 15;
	__sync_fetch_and_add(&totals.sizes[slot], 1);
	return 0;
}

/* Every nth, by a counter of each CPU. */
u32 turns[64];

SEC("kprobe/vfs_fsync")
int every_tenth(struct pt_regs *ctx)
{
	u32 cpu = bpf_get_smp_processor_id() & 63;

	if (turns[cpu]++ % 10)
		return 0;
	__sync_fetch_and_add(&totals.calls, 10);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
