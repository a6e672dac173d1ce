// SPDX-License-Identifier: GPL-2.0-only
/* Small arrays sorted and searched: bubble, insertion, selection, binary */

#include "kapsel.bpf.h"

#define COUNT 8

u64 median;

static const u32 limits[16] = {
	10, 20, 50, 100, 200, 500, 1000, 2000,
	5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000,
};

u64 buckets[17];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[COUNT]);
} recent SEC(".maps");

static __always_inline void order(u64 *a, u64 *b)
{
	u64 t;

	if (*a <= *b)
		return;
	t = *a;
	*a = *b;
	*b = t;
}

SEC("kprobe/vfs_read")
int bubble(struct pt_regs *ctx)
{
	u64 sorted[COUNT], *values;
	u32 zero = 0;
	int i, j;

	values = bpf_map_lookup_elem(&recent, &zero);
	if (!values)
		return 0;
	for (i = 0; i < COUNT; i++)
		sorted[i] = values[i];
	for (i = 0; i < COUNT - 1; i++)
		for (j = 0; j < COUNT - 1 - i; j++)
			order(&sorted[j], &sorted[j + 1]);
	median = sorted[COUNT / 2];
	return 0;
}

SEC("kprobe/vfs_write")
int insertion(struct pt_regs *ctx)
{
	u64 *values, x;
	u32 zero = 0;
	int i, j;

	values = bpf_map_lookup_elem(&recent, &zero);
	if (!values)
		return 0;
	values[0] = PT_REGS_PARM3(ctx);
	for (i = 1; i < COUNT; i++) {
		x = values[i];
		for (j = i - 1; j >= 0 && values[j] > x; j--)
			values[j + 1] = values[j];
		values[j + 1] = x;
	}
	return 0;
}

SEC("kprobe/vfs_open")
int selection(struct pt_regs *ctx)
{
	u64 *values, t;
	u32 zero = 0, i, j, least;

	values = bpf_map_lookup_elem(&recent, &zero);
	if (!values)
		return 0;
	for (i = 0; i < COUNT; i++) {
		least = i;
		for (j = i + 1; j < COUNT; j++)
			if (values[j] < values[least])
				least = j;
		t = values[i];
		values[i] = values[least];
		values[least] = t;
	}
	return 0;
}

SEC("kretprobe/vfs_read")
int by_limits(struct pt_regs *ctx)
{
	u64 x = PT_REGS_RC(ctx);
	u32 low = 0, high = ARRAY_SIZE(limits), middle, i;

	for (i = 0; i < 5 && low < high; i++) {
		middle = (low + high) / 2;
		if (middle >= ARRAY_SIZE(limits))
			break;
		if (x < limits[middle])
			high = middle;
		else
			low = middle + 1;
	}
	if (low < ARRAY_SIZE(buckets))
		buckets[low]++;
	return 0;
}

SEC("kretprobe/vfs_write")
int by_linear(struct pt_regs *ctx)
{
	u64 x = PT_REGS_RC(ctx);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (x < limits[i])
			break;
	buckets[i]++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
