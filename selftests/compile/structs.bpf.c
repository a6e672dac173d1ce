// SPDX-License-Identifier: GPL-2.0-only
/* Structures copied, cleared, compared, returned and passed by value */

#include "kapsel.bpf.h"

struct addr {
	u8 bytes[16];
	u16 port;
	u8 family;
	u8 pad;
};

struct pair {
	struct addr a;
	struct addr b;
	u64 when;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct addr);
	__type(value, struct pair);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct pair);
} last SEC(".maps");

static __always_inline struct addr make_addr(u64 hi, u64 lo, u16 port)
{
	struct addr addr = { .port = port, .family = hi ? 6 : 4 };

	__builtin_memcpy(addr.bytes, &hi, sizeof(hi));
	__builtin_memcpy(addr.bytes + sizeof(hi), &lo, sizeof(lo));
	return addr;
}

static __always_inline int same_addr(const struct addr *a, const struct addr *b)
{
	u64 ah, al, bh, bl;

	__builtin_memcpy(&ah, a->bytes, sizeof(ah));
	__builtin_memcpy(&bh, b->bytes, sizeof(bh));
	__builtin_memcpy(&al, a->bytes + 8, sizeof(al));
	__builtin_memcpy(&bl, b->bytes + 8, sizeof(bl));
	return ah == bh && al == bl && a->port == b->port && a->family == b->family;
}

static __noinline void swap(struct pair *pair)
{
	struct addr tmp;

	tmp = pair->a;
	pair->a = pair->b;
	pair->b = tmp;
}

SEC("kprobe/tcp_connect")
int remember(struct pt_regs *ctx)
{
	struct pair pair, *old;
	u32 slot;

	__builtin_memset(&pair, 0, sizeof(pair));
	pair.a = make_addr(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), 80);
	pair.b = make_addr(PT_REGS_PARM3(ctx), 0, 443);
	pair.when = bpf_ktime_get_ns();
	old = bpf_map_lookup_elem(&pairs, &pair.a);
	if (old && same_addr(&old->b, &pair.b)) {
		old->when = pair.when;
		return 0;
	}
	swap(&pair);
	bpf_map_update_elem(&pairs, &pair.a, &pair, BPF_ANY);
	slot = pair.b.bytes[0] & 3;
	old = bpf_map_lookup_elem(&last, &slot);
	if (old)
		*old = pair;
	return 0;
}

SEC("kprobe/tcp_close")
int forget(struct pt_regs *ctx)
{
	struct pair copy, *pair;
	u32 i;

	for (i = 0; i < 4; i++) {
		u32 slot = i;

		pair = bpf_map_lookup_elem(&last, &slot);
		if (!pair)
			continue;
		__builtin_memcpy(&copy, pair, sizeof(copy));
		__builtin_memset(pair, 0, sizeof(*pair));
		bpf_map_delete_elem(&pairs, &copy.b);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
