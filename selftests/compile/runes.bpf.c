// SPDX-License-Identifier: GPL-2.0-only
/* Pieces that say themselves how long they are: each is looked at before it is read */

#include "kapsel.bpf.h"

#define TEXT_LEN 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u32);
} blocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u64);
} fields SEC(".maps");

/* The most significant bits of a character's first byte. */
static __always_inline u32 first_bits(u8 c, u32 *len)
{
	if (c < 0x80) {
		*len = 1;
		return c;
	}
	if (c < 0xe0) {
		*len = 2;
		return c & 0x1f;
	}
	*len = c < 0xf0 ? 3 : 4;
	return c < 0xf0 ? c & 0xf : c & 7;
}

SEC("cgroup_skb/ingress")
int blocks_of_utf8(struct __sk_buff *skb)
{
	u8 text[TEXT_LEN];
	u32 i = 0, k, len, rune, *count;

	if (bpf_skb_load_bytes(skb, 40, text, sizeof(text)))
		return 1;
	while (i < sizeof(text)) {
		rune = first_bits(text[i], &len);
		if (i + len > sizeof(text))
			break;
		for (k = 1; k < len; k++)
			rune = rune << 6 | (text[i + k] & 0x3f);
		i += len;
		rune >>= 7;
		count = bpf_map_lookup_elem(&blocks, &rune);
		if (count)
			__sync_fetch_and_add(count, 1);
	}
	return 1;
}

/* Seven bits a byte, as protobuf has them. */
static __always_inline u8 *varint(u8 *p, void *end, u64 *out)
{
	u64 val = 0;
	u32 shift;

	for (shift = 0; shift < 63; shift += 7) {
		if ((void *)(p + 1) > end)
			return NULL;
		val |= (u64)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			*out = val;
			return p;
		}
	}
	return NULL;
}

SEC("cgroup_skb/egress")
int fields_of_protobuf(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	u8 *p = (void *)(long)skb->data + 28;
	u64 tag = 0, len = 0, one = 1;
	int i;

	for (i = 0; i < 16; i++) {
		p = varint(p, end, &tag);
		if (!p)
			return 1;
		switch (tag & 7) {
		case 0:
			p = varint(p, end, &len);
			break;
		case 1:
			p += 8;
			break;
		case 2:
			p = varint(p, end, &len);
			if (!p || len > 1400)
				return 1;
			p += len;
			break;
		case 5:
			p += 4;
			break;
		default:
			return 1;
		}
		if (!p)
			return 1;
		tag >>= 3;
		bpf_map_update_elem(&fields, &tag, &one, BPF_ANY);
	}
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
