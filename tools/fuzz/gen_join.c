// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: ways that part and join, and what differs between them */

#include "gen_in.h"

/* Two ways that join, with a flag, pointers, spills and numbers that differ. */
void fz_diamond(struct gen *g)
{
	u8 reg = fz_number(g), flag = fz_pick(g), ptr;
	u32 was = g->busy, kind = below(g, 4);
	struct label other, join, out;

	fz_label(g, &other);
	fz_label(g, &join);
	fz_label(g, &out);
	g->busy |= 1u << flag;
	ptr = fz_pick(g);
	g->busy |= 1u << ptr;
	fz_guard(g, reg, &other);
	fz_emit(g, 0xb7, flag, 0, 0, fz_in(&g->r, 0, 8));
	if (kind == 0)
		fz_lddw(g, ptr, BPF_PSEUDO_MAP_VALUE, FZ_ARRAY, below(g, 32));
	else
		fz_emit(g, 0xb7, ptr, 0, 0, fz_in(&g->r, -8, 40));
	if (chance(g, 40) && g->depth < 3)
		fz_fragments(g, 1);
	fz_jump_to(g, &join, 0x05, 0, 0, 0);
	fz_place(g, &other);
	fz_emit(g, 0xb7, flag, 0, 0, fz_in(&g->r, 0, 8));
	if (kind == 0 && chance(g, 60))
		fz_lddw(g, ptr, BPF_PSEUDO_MAP_VALUE, FZ_ARRAY, below(g, 32));
	else if (kind == 1)
		fz_emit(g, 0xbf, ptr, flag, 0, 0);
	else
		fz_emit(g, 0xb7, ptr, 0, 0, kind ? fz_in(&g->r, -8, 40) : 0);
	if (kind == 2 && chance(g, 50) && g->depth < 3)
		fz_fragments(g, 1);
	fz_place(g, &join);
	g->busy = was;
	g->nums |= 1u << flag;
	if (kind == 0) {
		g->nums &= ~(1u << ptr);
		fz_jump_to(g, &out, 0x15, chance(g, 50) ? ptr : flag, 0,
			   chance(g, 90) ? 0 : fz_imm(g));
		fz_touch(g, ptr, below(g, 40), fz_size(g), true);
	} else {
		if (chance(g, 30))
			fz_jump_to(g, &out, 0x1d, ptr, flag, 0);
		fz_use_map(g, ptr, &out);
	}
	fz_place(g, &out);
}

/* Two maybe-NULL pointers, a test of one, a use of one. */
void fz_null_tests(struct gen *g)
{
	u8 a = fz_pick_saved(g), b, ptr;
	u32 was = g->busy, i;
	struct label out;

	if (g->no_call || !a)
		return;
	g->busy |= 1u << a;
	b = fz_pick_saved(g);
	g->busy = was;
	if (!b)
		return;
	fz_label(g, &out);
	for (i = 0; i < 2; i++) {
		fz_emit(g, 0x7a, 10, 0, -136, below(g, 10));
		fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, FZ_TABLE, 0);
		fz_emit(g, 0xbf, 2, 10, 0, 0);
		fz_emit(g, 0x07, 2, 0, 0, -136);
		fz_call(g, BPF_FUNC_map_lookup_elem);
		if (i == 0)
			fz_emit(g, 0xbf, a, 0, 0, 0);
		g->nums &= ~(1u << a | 1u << b);
	}
	fz_emit(g, 0xbf, b, 0, 0, 0);
	ptr = chance(g, 50) ? a : b;
	if (chance(g, 40)) {
		fz_emit(g, 0x7b, 10, ptr, -8, 0);
		g->spilled[0] = 0;
	}
	fz_jump_to(g, &out, chance(g, 90) ? 0x15 : 0x55, ptr, 0, 0);
	if (chance(g, 15))
		ptr = a + b - ptr;
	if (ptr == b && chance(g, 40))
		ptr = 0;
	fz_touch(g, ptr, 48 - 8 + fz_slip(g), 8, true);
	fz_place(g, &out);
	g->nums &= ~(1u << a | 1u << b);
	fz_emit(g, 0xb7, a, 0, 0, 1);
	if (g->spilled[0] != 0xff)
		fz_emit(g, 0x7a, 10, 0, -8, 0);
	g->spilled[0] = 0xff;
	for (i = 0; i < NS; i++)
		g->slot[i][0] = 0;
}

/* What differs between the ways of a fan. */
enum { NUMBERS, SUMS, POINTERS, SPILLED, PACKETS, NR_KINDS };

/**
 * struct fan - more ways to one place than the verifier keeps states apart
 * @kind: what differs
 * @a: the register that differs, or the packet
 * @b: what it is made from, or data_end
 * @least: of the packet's tests; of the objects' sizes
 * @slot: of the spill
 */
struct fan {
	u32 kind;
	u8 a;
	u8 b;
	u32 least;
	u32 slot;
	struct label *out;
};

static void way_packet(struct gen *g, struct fan *f)
{
	u32 n = 1 + below(g, 24);
	u8 q = fz_pick(g);

	if (chance(g, 60) && f->least < 25)
		n = f->least;
	f->least = min(f->least, n);
	fz_emit(g, 0xbf, q, f->a, 0, 0);
	fz_emit(g, 0x07, q, 0, 0, n);
	fz_jump_to(g, f->out, 0x2d, q, f->b, 0);
}

static void way_pointer(struct gen *g, struct fan *f)
{
	static const struct { u32 map, size; } values[] = { { FZ_ARRAY, 64 }, { FZ_BIG, 4096 } };
	u32 i = below(g, 2), off = chance(g, 50) ? 0 : below(g, 40);

	if (chance(g, 6)) {
		fz_emit(g, 0xb7, f->a, 0, 0, 0);
	} else if (chance(g, 15)) {
		fz_emit(g, 0xbf, f->a, 10, 0, 0);
		fz_emit(g, 0x07, f->a, 0, 0, -64);
		f->least = min(f->least, 64u);
	} else {
		fz_lddw(g, f->a, BPF_PSEUDO_MAP_VALUE, values[i].map, off);
		f->least = min(f->least, values[i].size - off);
	}
}

static void way_spill(struct gen *g, struct fan *f)
{
	u32 size = fz_size(g);

	if (chance(g, 15))
		fz_emit(g, 0x7b, 10, 10, -8 * (s32)(f->slot + 1), 0);
	else if (chance(g, 30))
		fz_emit(g, 0x7a, 10, 0, -8 * (s32)(f->slot + 1), fz_in(&g->r, 0, 40));
	else
		fz_spill(g, f->b, f->slot, chance(g, 70) ? 0 : size * below(g, 8 / size), size);
}

static void way(struct gen *g, struct fan *f)
{
	switch (f->kind) {
	case NUMBERS:
		fz_emit(g, 0xb7, f->a, 0, 0, fz_in(&g->r, -4, 60));
		break;
	case SUMS:
		fz_emit(g, 0xbf, f->a, f->b, 0, 0);
		if (chance(g, 50))
			fz_emit(g, 0x07, f->a, 0, 0, fz_in(&g->r, 0, 16));
		if (chance(g, 30))
			fz_guard(g, f->b, f->out);
		break;
	case POINTERS:
		way_pointer(g, f);
		break;
	case SPILLED:
		way_spill(g, f);
		break;
	default:
		way_packet(g, f);
	}
}

static void use_fan(struct gen *g, struct fan *f)
{
	u32 size = fz_size(g);

	switch (f->kind) {
	case SUMS:
		fz_clamp(g, f->b, below(g, 48), f->out);
		fz_use_map(g, f->a, f->out);
		break;
	case NUMBERS:
		fz_use_map(g, f->a, f->out);
		break;
	case POINTERS:
		if (chance(g, 60))
			fz_jump_to(g, f->out, 0x15, f->a, 0, 0);
		fz_touch(g, f->a, (s32)(f->least - size) + fz_slip(g), size, true);
		break;
	case SPILLED:
		fz_fill(g, f->a, f->slot, 0, size);
		fz_use_map(g, f->a, f->out);
		break;
	default:
		if (f->least >= size)
			fz_touch(g, f->a, f->least - size + fz_slip(g), size, false);
	}
}

/* Registers of their own; a packet with its end, a variable part of it at times. */
static bool begin_fan(struct gen *g, struct fan *f)
{
	f->kind = below(g, NR_KINDS);
	f->slot = below(g, SPILLS);
	f->least = 4096;
	if (f->kind == PACKETS && (g->no_ctx || g->p->type != KAPSEL_PROG_NETFILTER))
		f->kind = NUMBERS;
	f->a = fz_pick(g);
	g->busy |= 1u << f->a;
	g->nums &= ~(1u << f->a);
	if (f->kind != PACKETS) {
		f->b = fz_number(g);
		g->busy |= 1u << f->b;
		return f->a != f->b;
	}
	f->b = fz_pick(g);
	g->busy |= 1u << f->b;
	g->nums &= ~(1u << f->b);
	fz_emit(g, 0x61, f->a, CTX, 76, 0);
	fz_emit(g, 0x61, f->b, CTX, 80, 0);
	if (chance(g, 50)) {
		u8 n = fz_number(g);

		fz_clamp(g, n, 255, f->out);
		fz_emit(g, 0x0f, f->a, n, 0, 0);
	}
	return f->a != f->b;
}

void fz_fan(struct gen *g)
{
	u32 i, ways = 2 + below(g, 7), was = g->busy;
	struct label join, out;
	struct fan f = { .out = &out };
	u8 which, flag;

	fz_label(g, &join);
	fz_label(g, &out);
	g->no_call++;
	if (begin_fan(g, &f)) {
		which = fz_pick(g);
		fz_source(g, which);
		fz_emit(g, 0x57, which, 0, 0, 7);
		g->busy |= 1u << which;
		flag = fz_pick(g);
		g->busy |= 1u << flag;
		for (i = 0; i < ways; i++) {
			fz_emit(g, 0xb7, flag, 0, 0, chance(g, 90) ? i : 0);
			way(g, &f);
			if (i + 1 < ways)
				fz_jump_to(g, &join, 0x15, which, 0, i);
		}
		fz_place(g, &join);
		g->busy = was | 1u << f.a | 1u << f.b;
		use_fan(g, &f);
	}
	g->no_call--;
	g->busy = was;
	if (f.kind == POINTERS || f.kind == PACKETS)
		g->nums &= ~(1u << f.a);
	fz_place(g, &out);
}
