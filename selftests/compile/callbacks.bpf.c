// SPDX-License-Identifier: GPL-2.0-only
/* bpf_loop: over a packet's bytes, over a table, with an early end, nested */

#include "kapsel.bpf.h"

#define TABLE 32

struct scan {
	struct __sk_buff *skb;
	u32 sum;
	u32 zeroes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TABLE);
	__type(key, u32);
	__type(value, u64);
} table SEC(".maps");

static long add_byte(u32 i, struct scan *scan)
{
	u8 byte;

	if (bpf_skb_load_bytes(scan->skb, i, &byte, sizeof(byte)))
		return 1;
	scan->sum += byte;
	if (!byte)
		scan->zeroes++;
	return 0;
}

SEC("nf/inet/input")
int scan_bytes(struct __sk_buff *skb)
{
	struct scan scan = { .skb = skb };

	bpf_loop(1500, add_byte, &scan, 0);
	return scan.zeroes < 100;
}

struct search {
	u64 least;
	u32 at;
};

static long least_of(u32 i, void *ctx)
{
	struct search *search = ctx;
	u64 *value = bpf_map_lookup_elem(&table, &i);

	if (!value)
		return 1;
	if (*value < search->least) {
		search->least = *value;
		search->at = i;
	}
	return 0;
}

SEC("nf/inet/output")
int replace_least(struct __sk_buff *skb)
{
	struct search search = { .least = ~0ull };
	u64 now = bpf_ktime_get_ns();

	bpf_loop(TABLE, least_of, &search, 0);
	bpf_map_update_elem(&table, &search.at, &now, BPF_ANY);
	return KAPSEL_ACCEPT;
}

struct fill {
	u32 used;
	u8 bytes[64];
};

static long copy_one(u32 i, struct fill *fill)
{
	if (fill->used >= sizeof(fill->bytes))
		return 1;
	fill->bytes[fill->used++] = i * 7;
	return 0;
}

static long copy_some(u32 i, struct fill *fill)
{
	bpf_loop(i & 7, copy_one, fill, 0);
	return 0;
}

SEC("nf/inet/forward")
int nested(struct __sk_buff *skb)
{
	struct fill fill = {};
	u32 n = skb->len;

	bpf_loop(n & 31, copy_some, &fill, 0);
	if (fill.used && fill.used <= sizeof(fill.bytes))
		return fill.bytes[fill.used - 1] & 1;
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
