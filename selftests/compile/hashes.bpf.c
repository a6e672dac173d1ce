// SPDX-License-Identifier: GPL-2.0-only
/* FNV, jhash and a bloom filter over keys; a ring in a map's value */

#include "kapsel.bpf.h"

#define FILTER_BITS 4096
#define LOG_LEN 256

struct key {
	u64 inode;
	u32 tgid;
	char comm[16];
};

u64 filter[FILTER_BITS / 64];
u64 repeated;

struct journal {
	u32 head;
	u32 dropped;
	struct {
		u32 hash;
		u32 pid;
	} slots[LOG_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct journal);
} journals SEC(".maps");

static __always_inline u64 fnv(const void *data, u32 len)
{
	const u8 *byte = data;
	u64 hash = 0xcbf29ce484222325;
	u32 i;

	for (i = 0; i < len; i++) {
		hash ^= byte[i];
		hash *= 0x100000001b3;
	}
	return hash;
}

static __always_inline u32 rotate(u32 x, u32 by)
{
	return x << by | x >> (32 - by);
}

static __noinline u32 mix_words(const u32 *words, u32 count)
{
	u32 a = 0xdeadbeef, b = a, c = a + count, i;

	for (i = 0; i + 2 < count && i < 64; i += 3) {
		a += words[i];
		b += words[i + 1];
		c += words[i + 2];
		a = (a - c) ^ rotate(c, 4);
		c += b;
		b = (b - a) ^ rotate(a, 6);
		a += c;
		c = (c - b) ^ rotate(b, 8);
		b += a;
	}
	return c;
}

static __always_inline int test_and_set(u32 hash)
{
	u32 bit = hash % FILTER_BITS;
	u64 mask = 1ull << (bit % 64);
	u64 *word = &filter[bit / 64];

	if (*word & mask)
		return 1;
	__sync_fetch_and_or(word, mask);
	return 0;
}

SEC("kprobe/vfs_open")
int seen_before(struct pt_regs *ctx)
{
	struct key key = {};
	u64 hash;
	int i, hits = 0;

	key.inode = PT_REGS_PARM2(ctx);
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	hash = fnv(&key, sizeof(key));
	for (i = 0; i < 3; i++) {
		hits += test_and_set(hash);
		hash >>= 20;
	}
	if (hits == 3)
		__sync_fetch_and_add(&repeated, 1);
	return 0;
}

SEC("kprobe/vfs_read")
int journal(struct pt_regs *ctx)
{
	struct journal *to;
	u32 zero = 0, at, words[12] = {};

	to = bpf_map_lookup_elem(&journals, &zero);
	if (!to)
		return 0;
	bpf_probe_read_kernel(words, sizeof(words), (void *)PT_REGS_PARM1(ctx));
	at = to->head++ & (LOG_LEN - 1);
	to->slots[at].hash = mix_words(words, ARRAY_SIZE(words));
	to->slots[at].pid = bpf_get_current_pid_tgid();
	return 0;
}

SEC("kprobe/vfs_write")
int journal_modulo(struct pt_regs *ctx)
{
	struct journal *to;
	u32 zero = 0;

	to = bpf_map_lookup_elem(&journals, &zero);
	if (!to)
		return 0;
	to->slots[to->head % LOG_LEN].pid = bpf_get_current_pid_tgid();
	to->slots[to->head % LOG_LEN].hash = fnv(to, 16);
	to->head = (to->head + 1) % LOG_LEN;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
