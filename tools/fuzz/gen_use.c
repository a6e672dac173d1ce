// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: fragments, each a guard and a use */

#include <string.h>

#include "gen_in.h"

/* Some number as a key; the call takes r0 anyway. */
static void store_key(struct gen *g)
{
	u32 reg = below(g, 10);

	if (!(g->nums >> reg & 1))
		return;
	fz_emit(g, 0xbf, 0, reg, 0, 0);
	fz_emit(g, 0x57, 0, 0, 0, chance(g, 90) ? 7 : -1);
	fz_emit(g, 0x7b, 10, 0, -136, 0);
}

/* A map's value in @ptr: its size. Branches to @out if there is none. */
static u32 value_pointer(struct gen *g, u8 ptr, struct label *out)
{
	u32 map = below(g, 10);

	if (map < 3 || g->no_call || (ptr && ptr < 6)) {
		fz_lddw(g, ptr, BPF_PSEUDO_MAP_VALUE, map == 0 ? FZ_BIG : FZ_ARRAY, 0);
		return map == 0 ? 4096 : 64;
	}
	map = map < 6 ? FZ_TABLE : map < 8 ? FZ_HASH : FZ_PERCPU;
	fz_emit(g, 0x7a, 10, 0, -136, below(g, 6));
	if (chance(g, 20))
		store_key(g);
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, map, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, -136);
	fz_call(g, BPF_FUNC_map_lookup_elem);
	if (ptr && chance(g, 30)) {
		fz_emit(g, 0xbf, ptr, 0, 0, 0);
		fz_jump_to(g, out, 0x15, chance(g, 50) ? 0 : ptr, 0, 0);
	} else {
		if (!chance(g, 4))
			fz_jump_to(g, out, chance(g, 97) ? 0x15 : 0x55, 0, 0, 0);
		if (ptr)
			fz_emit(g, 0xbf, ptr, 0, 0, 0);
	}
	g->nums &= ~(1u << ptr);
	return fz_maps[map].value_size;
}

static void protect(struct gen *g, u8 reg, u32 *was)
{
	*was = g->busy;
	g->busy |= 1u << reg;
}

/* The number's bounds; it is clamped first if they are too wide for the object. */
static void settle(struct gen *g, u8 reg, u32 room, s64 *lo, s64 *hi, struct label *out)
{
	fz_bounds(g, reg, lo, hi);
	/* Few samples: the greatest may be missing. */
	while (*hi > 0 && *hi < 4096 && *hi & (*hi + 1) && chance(g, 80))
		*hi |= *hi >> 1;
	if (*lo <= *hi && *lo > -4096 && *hi < 4096 && *hi - *lo < room && chance(g, 50))
		return;
	fz_clamp(g, reg, chance(g, 50) ? below(g, room) : room - 1, out);
	if (chance(g, 30))
		fz_emit(g, 0x07, reg, 0, 0, fz_in(&g->r, -8, 8));
	fz_bounds(g, reg, lo, hi);
	*lo = min(*lo, 0ll);
}

void fz_use_map(struct gen *g, u8 reg, struct label *out)
{
	u32 was, size = fz_size(g), room;
	s64 lo, hi, off;
	u8 ptr;

	protect(g, reg, &was);
	ptr = reg >= 7 ? 0 : fz_pick_saved(g);
	if (!ptr && reg < 7)
		ptr = fz_pick(g);
	g->busy |= 1u << ptr;
	if (reg < 6)
		g->no_call++;
	room = value_pointer(g, ptr, out);
	if (reg < 6)
		g->no_call--;
	settle(g, reg, room - size + 1, &lo, &hi, out);
	off = chance(g, 60) ? room - size - hi : -lo;
	off += chance(g, 50) ? fz_slip(g) : -fz_slip(g);
	if (off + lo < 0 && chance(g, 90))
		off = -lo;
	if (off != (s16)off)
		off = 0;
	if (chance(g, 15)) {
		fz_emit(g, 0x07, ptr, 0, 0, off);
		off = 0;
	}
	fz_emit(g, 0x0f, ptr, reg, 0, 0);
	fz_touch(g, ptr, off, size, true);
	g->busy = was;
}

/* A number, changed, tested, changed again, and used as an offset. */
static void by_offset(struct gen *g)
{
	u8 reg = fz_number(g), copy = fz_pick(g);
	struct label out;

	fz_label(g, &out);
	fz_chain(g, reg, below(g, 4));
	if (chance(g, 40) && copy != reg)
		fz_emit(g, chance(g, 70) ? 0xbf : 0xbc, copy, reg, 0, 0);
	if (chance(g, 70))
		fz_guard(g, reg, &out);
	if (chance(g, 30))
		fz_guard(g, reg, &out);
	if (chance(g, 30) && (g->nums >> copy & 1))
		reg = copy;
	fz_chain(g, reg, below(g, 3));
	fz_use_map(g, reg, &out);
	fz_place(g, &out);
}

static void only_numbers(struct gen *g)
{
	u8 reg = fz_number(g), copy = fz_pick(g);
	struct label out;

	fz_label(g, &out);
	fz_chain(g, reg, 1 + below(g, 4));
	if (copy != reg && chance(g, 60)) {
		fz_emit(g, chance(g, 60) ? 0xbf : 0xbc, copy, reg, 0, 0);
		if (chance(g, 60))
			fz_emit(g, chance(g, 60) ? 0x07 : 0x04, chance(g, 50) ? copy : reg, 0, 0,
				fz_imm(g));
		if (chance(g, 30))
			fz_emit(g, chance(g, 60) ? 0x0f : 0x0c, copy, fz_number(g), 0, 0);
	}
	fz_guard(g, reg, &out);
	if (g->nums >> copy & 1)
		fz_guard(g, copy, &out);
	fz_chain(g, reg, below(g, 3));
	fz_place(g, &out);
}

static void spills(struct gen *g)
{
	u8 reg = fz_number(g), to = fz_pick(g);
	u32 slot = below(g, SPILLS), size = fz_size(g), at = size * below(g, 8 / size);
	struct label out;

	fz_label(g, &out);
	fz_chain(g, reg, below(g, 2));
	fz_spill(g, reg, slot, at, size);
	if (chance(g, 50))
		fz_guard(g, reg, &out);
	if (chance(g, 30)) {
		size = fz_size(g);
		fz_spill(g, fz_number(g), slot, size * below(g, 8 / size), size);
	}
	size = fz_size(g);
	at = size * below(g, 8 / size);
	if (g->p->type == KAPSEL_PROG_KPROBE || chance(g, 2) ||
	    !(~g->spilled[slot] & ((1u << size) - 1) << at))
		fz_fill(g, to, slot, at, size);
	if (chance(g, 40) && (g->nums >> to & 1))
		fz_guard(g, chance(g, 50) ? to : reg, &out);
	fz_place(g, &out);
}

void fz_clear(struct gen *g, u32 bytes)
{
	u32 i;

	for (i = 0; i < bytes; i += 8)
		fz_emit(g, 0x7a, 10, 0, AREA + i, chance(g, 80) ? 0 : fz_imm(g));
}

/* Stack at a variable, aligned offset. */
static void on_stack(struct gen *g)
{
	u32 size = fz_size(g), bytes = 8 * (1 + below(g, 8)), was;
	u8 reg = fz_number(g), ptr;
	struct label out;

	fz_label(g, &out);
	protect(g, reg, &was);
	ptr = fz_pick(g);
	g->busy |= 1u << ptr;
	fz_clear(g, bytes);
	if (chance(g, 30))
		fz_emit(g, 0x7b, 10, chance(g, 50) ? 10 : reg, AREA + 8 * below(g, bytes / 8), 0);
	fz_clamp(g, reg, bytes / size - 1, &out);
	if (size > 1)
		fz_emit(g, chance(g, 70) ? 0x67 : 0x64, reg, 0, 0, __builtin_ctz(size));
	fz_emit(g, 0xbf, ptr, 10, 0, 0);
	fz_emit(g, 0x0f, ptr, reg, 0, 0);
	fz_touch(g, ptr, AREA + (chance(g, 94) ? 0 : fz_slip(g)), size, true);
	if (chance(g, 40))
		fz_touch(g, 10, AREA + size * below(g, bytes / size), size, false);
	g->busy = was;
	fz_place(g, &out);
}

/* Packets. */
static void packet_end(struct gen *g, u8 p, u8 end, u32 n, struct label *out)
{
	u8 q = chance(g, 60) ? fz_pick(g) : p;

	if (q != p)
		fz_emit(g, 0xbf, q, p, 0, 0);
	fz_emit(g, 0x07, q, 0, 0, n);
	switch (below(g, 4)) {
	case 0:
		fz_jump_to(g, out, 0x2d, q, end, 0);
		break;
	case 1:
		fz_jump_to(g, out, 0xad, end, q, 0);
		break;
	case 2:
		fz_jump_to(g, out, chance(g, 50) ? 0x3d : 0x2d, q, end, 0);
		break;
	default:
		fz_jump_to(g, out, chance(g, 50) ? 0xbd : 0xad, end, q, 0);
	}
	if (q == p)
		fz_emit(g, 0x07, p, 0, 0, -(s32)n);
}

/* A helper changes the packet: what was known of it is loaded and tested again, or not. */
static void change_packet(struct gen *g, u8 p, u8 end, u32 n, struct label *out)
{
	fz_emit(g, 0xbf, 1, CTX, 0, 0);
	fz_emit(g, 0xb7, 2, 0, 0, n);
	fz_call(g, BPF_FUNC_skb_pull_data);
	if (chance(g, 85))
		fz_emit(g, 0x61, p, CTX, 76, 0);
	if (chance(g, 85))
		fz_emit(g, 0x61, end, CTX, 80, 0);
	if (chance(g, 90))
		packet_end(g, p, end, n, out);
}

/* How long the rest is, of which compilers take the low half at times. */
static void packet_length(struct gen *g, u8 p, u8 end, struct label *out)
{
	fz_emit(g, chance(g, 50) ? 0x1c : 0x1f, end, p, 0, 0);
	fz_jump_to(g, out, chance(g, 50) ? 0xa6 : 0xa5, end, 0, below(g, 80));
}

static void packet(struct gen *g)
{
	u32 n = 1 + below(g, 60), size = fz_size(g), was = g->busy;
	u8 p = fz_pick(g), end, reg;
	struct label out;

	if (g->no_ctx || g->p->type != KAPSEL_PROG_NETFILTER)
		return;
	fz_label(g, &out);
	g->busy |= 1u << p;
	end = fz_pick(g);
	g->busy |= 1u << end;
	g->nums &= ~(1u << p | 1u << end);
	fz_emit(g, 0x61, p, CTX, 76, 0);
	fz_emit(g, 0x61, end, CTX, 80, 0);
	n = max(n, size);
	packet_end(g, p, end, n, &out);
	if (p > CTX && end > CTX && !g->no_call && chance(g, 30))
		change_packet(g, p, end, n, &out);
	fz_touch(g, p, n - size + fz_slip(g), size, chance(g, 25));
	if (chance(g, 75)) {
		g->no_call++;
		reg = fz_pick(g);
		fz_emit(g, 0x71, reg, p, below(g, n), 0);
		g->nums |= 1u << reg;
		for (u32 i = 0; i < NS; i++)
			g->val[i][reg] = g->at[i] ? g->val[i][reg] : below(g, 256);
		g->busy |= 1u << reg;
		if (chance(g, 60))
			fz_clamp(g, reg, below(g, 64), &out);
		if (chance(g, 40))
			fz_emit(g, 0x67, reg, 0, 0, 1 + below(g, 3));
		if (chance(g, 20))
			fz_emit(g, 0x07, reg, 0, 0, fz_in(&g->r, -4, 4));
		fz_emit(g, 0x0f, p, reg, 0, 0);
		n = max(1 + below(g, 30), size);
		packet_end(g, p, end, n, &out);
		if (chance(g, 15))
			fz_emit(g, 0x0f, p, fz_number(g), 0, 0);
		fz_touch(g, p, n - size + fz_slip(g), size, false);
		if (chance(g, 30))
			fz_touch(g, p, chance(g, 50) ? 0 : -(s32)below(g, 4), size, false);
		g->no_call--;
	}
	if (chance(g, 20))
		packet_length(g, p, end, &out);
	g->busy = was;
	fz_place(g, &out);
}

/* A packet's socket, or what a helper makes of it; tested for NULL, or not. */
static void socket(struct gen *g)
{
	u8 keep = fz_pick_saved(g);
	u32 was = g->busy;
	struct label null;

	if (g->no_ctx || g->p->type != KAPSEL_PROG_NETFILTER || !keep)
		return;
	fz_label(g, &null);
	fz_emit(g, 0x79, keep, CTX, 168, 0);
	g->nums &= ~(1u << keep);
	if (chance(g, 97))
		fz_jump_to(g, &null, 0x15, keep, 0, 0);
	if (!g->no_call && chance(g, 60)) {
		fz_emit(g, 0xbf, 1, keep, 0, 0);
		fz_call(g, chance(g, 50) ? BPF_FUNC_sk_fullsock : BPF_FUNC_tcp_sock);
		fz_emit(g, 0xbf, keep, 0, 0, 0);
		if (chance(g, 97))
			fz_jump_to(g, &null, 0x15, keep, 0, 0);
	}
	g->busy |= 1u << keep;
	fz_touch(g, keep, 4 * below(g, 29), 4, chance(g, 2));
	g->busy = was;
	fz_place(g, &null);
}

static void record(struct gen *g)
{
	u32 size = 8 + below(g, 56), bytes = fz_size(g), was = g->busy;
	u8 keep = fz_pick_saved(g);
	struct label out, null;

	if (g->no_call || !keep)
		return;
	fz_label(g, &out);
	fz_label(g, &null);
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, FZ_RING, 0);
	fz_emit(g, 0xb7, 2, 0, 0, size);
	fz_emit(g, 0xb7, 3, 0, 0, 0);
	fz_call(g, BPF_FUNC_ringbuf_reserve);
	fz_emit(g, 0xbf, keep, 0, 0, 0);
	g->nums &= ~(1u << keep);
	if (chance(g, 97))
		fz_jump_to(g, &null, 0x15, chance(g, 50) ? 0 : keep, 0, 0);
	g->busy |= 1u << keep;
	fz_touch(g, keep, size - bytes + fz_slip(g), bytes, true);
	if (chance(g, 40) && g->depth < 3)
		fz_fragments(g, 1);
	fz_emit(g, 0xbf, 1, keep, 0, 0);
	fz_emit(g, 0xb7, 2, 0, 0, 0);
	if (chance(g, 97))
		fz_call(g, chance(g, 50) ? BPF_FUNC_ringbuf_submit : BPF_FUNC_ringbuf_discard);
	if (chance(g, 2))
		fz_touch(g, keep, 0, bytes, true);
	g->busy = was;
	g->nums &= ~(1u << keep);
	fz_place(g, &null);
	fz_place(g, &out);
}

/* Nothing is left in r3 to r5 but what some path puts there. */
static void some_arguments(struct gen *g)
{
	struct label none;
	u32 reg;

	fz_label(g, &none);
	for (reg = 3; reg <= 5; reg++)
		fz_emit(g, 0xb7, reg, 0, 0, fz_imm(g));
	fz_call(g, BPF_FUNC_get_prandom_u32);
	if (chance(g, 50))
		fz_jump_to(g, &none, 0x15, 0, 0, 0);
	fz_emit(g, 0xb7, 3 + below(g, 3), 0, 0, fz_imm(g));
	fz_place(g, &none);
}

/* Helpers that take memory and its size. */
static void sized_helper(struct gen *g)
{
	static const s32 kprobe[] = { 4, 16, 45, 112, 113, 114, 115, 6, 130 };
	static const s32 netfilter[] = { 26, 6, 130 };
	bool is_kprobe = g->p->type == KAPSEL_PROG_KPROBE;
	s32 id = is_kprobe ? kprobe[below(g, 9)] : netfilter[below(g, 3)];
	u32 n = id == 6 ? 2 : id == 130 ? 3 : id == 26 ? 4 : 2, was = g->busy, i;
	u32 most = 8 * (1 + below(g, 8));
	struct label out;
	s64 lo, hi;
	u8 reg;

	if (g->no_call || (id == 26 && g->no_ctx))
		return;
	fz_label(g, &out);
	reg = fz_pick_saved(g);
	if (!reg)
		return;
	fz_source(g, reg);
	if (chance(g, 40))
		fz_chain(g, reg, 1 + below(g, 2));
	g->busy |= 1u << reg;
	fz_clear(g, most);
	settle(g, reg, most, &lo, &hi, &out);
	if (!chance(g, 5))
		fz_jump_to(g, &out, 0xc5, reg, 0, chance(g, 90));
	if (id == BPF_FUNC_trace_printk && chance(g, 40))
		some_arguments(g);
	else
		for (i = 1; i <= 5; i++)
			fz_emit(g, 0xb7, i, 0, 0, 0);
	fz_emit(g, 0xbf, n, reg, 0, 0);
	fz_emit(g, 0xbf, n - 1, 10, 0, 0);
	fz_emit(g, 0x07, n - 1, 0, 0, AREA + (s32)most - hi + fz_slip(g));
	if (id == 26)
		fz_emit(g, 0xbf, 1, CTX, 0, 0);
	if (id == 130)
		fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, FZ_RING, 0);
	fz_call(g, id);
	if (chance(g, 60)) {
		g->nums |= 1;
		for (i = 0; i < NS; i++)
			g->val[i][0] = fz_in(&g->r, -4, most);
	}
	if (chance(g, 40))
		fz_touch(g, 10, AREA + 8 * below(g, most / 8), 8, false);
	g->busy = was;
	fz_place(g, &out);
}

static void map_helper(struct gen *g)
{
	u32 map = chance(g, 50) ? FZ_HASH : FZ_TABLE;
	bool update = chance(g, 60);

	if (g->no_call)
		return;
	fz_clear(g, 48);
	fz_emit(g, 0x7a, 10, 0, -136, below(g, 10));
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, map, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, -136);
	fz_emit(g, 0xbf, 3, 10, 0, 0);
	fz_emit(g, 0x07, 3, 0, 0, AREA);
	fz_emit(g, 0xb7, 4, 0, 0, 0);
	fz_call(g, update ? BPF_FUNC_map_update_elem : BPF_FUNC_map_delete_elem);
	g->nums |= 1;
}

/* The call of a function that is yet to be written, or its address, comes next. */
void fz_sub(struct gen *g, enum sub_kind kind, u32 map)
{
	g->sub[g->nr_subs].site = g->p->cnt;
	g->sub[g->nr_subs].map = map;
	g->sub[g->nr_subs++].kind = kind;
}

static void local_call(struct gen *g)
{
	u8 reg = fz_number(g);
	u32 i;

	if (g->no_call || g->nr_subs == MAX_SUBS)
		return;
	fz_clear(g, 16);
	if (reg != 1)
		fz_emit(g, 0xbf, 1, reg, 0, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, AREA);
	fz_sub(g, SUB_PLAIN, 0);
	fz_emit(g, 0x85, 0, 1, 0, 0);
	g->nums &= ~0x3fu;
	g->nums |= 1;
	for (i = 0; i < NS; i++)
		g->val[i][0] = fz_rand(&g->r) >> below(g, 64);
}

static void loop_helper(struct gen *g)
{
	u8 reg = fz_number(g);
	struct label out;

	if (g->no_call || g->nr_subs == MAX_SUBS)
		return;
	fz_label(g, &out);
	if (chance(g, 95))
		fz_clamp(g, reg, below(g, 40), &out);
	fz_clear(g, 16);
	if (reg != 1)
		fz_emit(g, 0xbf, 1, reg, 0, 0);
	fz_sub(g, SUB_CALLBACK, 0);
	fz_lddw(g, 2, BPF_PSEUDO_FUNC, 0, 0);
	fz_emit(g, 0xbf, 3, 10, 0, 0);
	fz_emit(g, 0x07, 3, 0, 0, AREA);
	fz_emit(g, 0xb7, 4, 0, 0, 0);
	fz_call(g, BPF_FUNC_loop);
	fz_place(g, &out);
	g->nums &= ~0x3fu;
}

void fz_fragment(struct gen *g)
{
	u32 kind = below(g, 100);

	if (kind < 18)
		by_offset(g);
	else if (kind < 28)
		only_numbers(g);
	else if (kind < 36)
		spills(g);
	else if (kind < 42)
		on_stack(g);
	else if (kind < 50)
		packet(g);
	else if (kind < 51)
		socket(g);
	else if (kind < 54)
		record(g);
	else if (kind < 59)
		sized_helper(g);
	else if (kind < 61)
		map_helper(g);
	else if (kind < 75)
		fz_map_use(g);
	else if (kind < 81)
		fz_diamond(g);
	else if (kind < 84)
		fz_null_tests(g);
	else if (kind < 88)
		local_call(g);
	else if (kind < 91)
		loop_helper(g);
	else if (kind < 94)
		fz_fan(g);
	else if (g->depth < 3)
		fz_loop(g);
}

void fz_fragments(struct gen *g, u32 n)
{
	g->depth++;
	while (n-- && g->p->cnt < FZ_MAX_INSNS - 120)
		fz_fragment(g);
	g->depth--;
}
