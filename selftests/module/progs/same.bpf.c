// SPDX-License-Identifier: GPL-2.0-only
/* What comes out is the same offline and in the kernel: sums over texts and elements */

#include "kapsel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u64);
	__type(value, u32);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 10);
	__type(key, u32);
	__type(value, u32);
} array SEC(".maps");

static u32 sum_of(const char *text, u32 size)
{
	u32 i, sum = 0;

	for (i = 0; i < size; i++)
		sum = sum * 31 + text[i];
	return sum;
}

SEC("kprobe/vfs_unlink")
int texts(struct pt_regs *ctx)
{
	char text[64] = "", word[8] = "kapsel";
	u32 sum = 0;
	long len;

	len = BPF_SNPRINTF(text, sizeof(text), "%5d|%-5x|%05lu|%c|%%|%s|%8s|%d", -7, 0xabc, 42UL,
			   'k', (u64)word, (u64)word, 1);
	sum = sum_of(text, sizeof(text)) + len;
	len = BPF_SNPRINTF(text, 9, "%lx %lu", 0x1234567890UL, 0UL);
	sum = sum * 31 + sum_of(text, sizeof(text)) + len;
	len = BPF_SNPRINTF(text, sizeof(text), "%s|%s|", 8UL, 8UL);
	sum = sum * 31 + sum_of(text, sizeof(text)) + len;
	sum = sum * 31 + bpf_strncmp(word, sizeof(word), "kapsel");
	sum = sum * 31 + bpf_strncmp(word, 3, "kapitel");
	sum = sum * 31 + bpf_strncmp(word, 4, "kapitel");
	return sum + bpf_printk("%d %d %d %d %s", 1, 2, 3, 4, (u64)word);
}

static long fill(u32 i, void *unused)
{
	u64 key = i * 7;
	u32 value = i;

	bpf_map_update_elem(&table, &key, &value, BPF_ANY);
	return i == 40;
}

static long add(void *map, const u64 *key, u32 *value, u64 *sum)
{
	*sum += *key * 3 + *value;
	if (*value & 1)
		bpf_map_delete_elem(map, key);
	return 0;
}

static long number(void *map, const u32 *index, u32 *value, u64 *sum)
{
	*value = *index + 1;
	*sum += *value;
	return *index == 7;
}

SEC("kprobe/vfs_rename")
int elements(struct pt_regs *ctx)
{
	u64 sum = 0;

	bpf_loop(64, fill, NULL, 0);
	sum += bpf_for_each_map_elem(&table, add, &sum, 0);
	sum = sum * 31 + bpf_for_each_map_elem(&table, add, &sum, 0);
	sum = sum * 31 + bpf_for_each_map_elem(&array, number, &sum, 0);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
