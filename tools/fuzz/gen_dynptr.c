// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: dynptrs */

#include "gen_in.h"

#define OWN	(-152)	/* where a dynptr is, on the stack, mostly */
#define BYTES	32	/* at AREA, for what is copied */

/**
 * struct dyn - a dynptr
 * @reg: points to it, or 10
 * @at: from there
 * @record: of the ring buffer
 * @kept: register with its bytes' address, 0: none
 */
struct dyn {
	u8 reg;
	s16 at;
	bool record;
	u8 kept;
};

/* To its other half, now and then. */
static void point(struct gen *g, u8 reg, const struct dyn *d)
{
	s16 at = d->at + (chance(g, 1) ? 8 : 0);

	fz_emit(g, 0xbf, reg, d->reg, 0, 0);
	if (at)
		fz_emit(g, 0x07, reg, 0, 0, at);
}

static void buffer(struct gen *g, u8 reg)
{
	fz_emit(g, 0xbf, reg, 10, 0, 0);
	fz_emit(g, 0x07, reg, 0, 0, AREA);
}

/* A number that is at hand, or just one. */
static void some(struct gen *g, u8 reg, u32 most)
{
	u8 from = chance(g, 30) ? fz_number(g) : 0;

	if (from >= 7)
		fz_emit(g, 0xbf, reg, from, 0, 0);
	else
		fz_emit(g, 0xb7, reg, 0, 0, below(g, most));
}

/* Of a value, or of the part behind its lock. */
static void make_of_value(struct gen *g, const struct dyn *d)
{
	static const u8 maps[] = { FZ_ARRAY, FZ_ARRAY, FZ_BIG, FZ_LOCKED };
	u32 map = chance(g, 98) ? maps[below(g, ARRAY_SIZE(maps))] : FZ_RODATA;
	u32 from = map == FZ_LOCKED && chance(g, 97) ? 4 + below(g, 8) : below(g, 8);
	u32 size = fz_maps[map].value_size - from - below(g, 40) + (chance(g, 2) ? 41 : 0);

	fz_lddw(g, 1, BPF_PSEUDO_MAP_VALUE, map, from);
	if (chance(g, 2))
		buffer(g, 1);
	fz_emit(g, 0xb7, 2, 0, 0, size);
	fz_emit(g, 0xb7, 3, 0, 0, chance(g, 5));
	point(g, 4, d);
	fz_call(g, BPF_FUNC_dynptr_from_mem);
}

static void make_of_record(struct gen *g, const struct dyn *d)
{
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, FZ_RING, 0);
	some(g, 2, 100);
	fz_emit(g, 0xb7, 3, 0, 0, chance(g, 5));
	point(g, 4, d);
	fz_call(g, BPF_FUNC_ringbuf_reserve_dynptr);
}

static void make(struct gen *g, const struct dyn *d)
{
	if (d->record)
		make_of_record(g, d);
	else
		make_of_value(g, d);
}

static void give_back(struct gen *g, const struct dyn *d)
{
	point(g, 1, d);
	fz_emit(g, 0xb7, 2, 0, 0, 0);
	fz_call(g, chance(g, 50) ? BPF_FUNC_ringbuf_submit_dynptr :
				   BPF_FUNC_ringbuf_discard_dynptr);
}

static void copy_out(struct gen *g, const struct dyn *d)
{
	if (chance(g, 50))
		fz_clear(g, BYTES);
	buffer(g, 1);
	fz_emit(g, 0xb7, 2, 0, 0, below(g, BYTES + 1));
	point(g, 3, d);
	some(g, 4, 80);
	fz_emit(g, 0xb7, 5, 0, 0, chance(g, 5));
	fz_call(g, BPF_FUNC_dynptr_read);
	if (chance(g, 60))
		fz_touch(g, 10, AREA + 8 * below(g, BYTES / 8), 8, false);
}

static void copy_in(struct gen *g, const struct dyn *d)
{
	fz_clear(g, BYTES);
	point(g, 1, d);
	some(g, 2, 80);
	buffer(g, 3);
	fz_emit(g, 0xb7, 4, 0, 0, below(g, BYTES + 1));
	fz_emit(g, 0xb7, 5, 0, 0, chance(g, 5));
	fz_call(g, BPF_FUNC_dynptr_write);
	g->nums |= 1;
}

/* Its bytes, at their address; at times another dynptr is there by then. */
static void slice(struct gen *g, struct dyn *d)
{
	u32 size = fz_size(g), len = size + below(g, 24);
	u8 keep = chance(g, 40) ? fz_pick_saved(g) : 0;
	struct label out;

	fz_label(g, &out);
	point(g, 1, d);
	some(g, 2, 60);
	fz_emit(g, 0xb7, 3, 0, 0, len);
	fz_call(g, BPF_FUNC_dynptr_data);
	if (keep) {
		fz_emit(g, 0xbf, keep, 0, 0, 0);
		g->nums &= ~(1u << keep);
		g->busy |= 1u << keep;
		d->kept = keep;
	}
	if (chance(g, 97))
		fz_jump_to(g, &out, 0x15, chance(g, 50) ? keep : 0, 0, 0);
	if (keep && chance(g, 10))
		make(g, d);
	fz_touch(g, keep, len - size + fz_slip(g), size, true);
	fz_place(g, &out);
}

/* What was kept, when the dynptr is gone, or another one is in its place. */
static void use_kept(struct gen *g, const struct dyn *d)
{
	struct label out;

	fz_label(g, &out);
	fz_jump_to(g, &out, 0x15, d->kept, 0, 0);
	fz_touch(g, d->kept, 0, 1, true);
	fz_place(g, &out);
}

static void use(struct gen *g, struct dyn *d)
{
	switch (below(g, 4)) {
	case 0:
		copy_out(g, d);
		break;
	case 1:
		copy_in(g, d);
		break;
	default:
		slice(g, d);
	}
}

/* A function that finds it by a pointer. */
static void pass_on(struct gen *g, const struct dyn *d)
{
	if (g->nr_subs == MAX_SUBS)
		return;
	fz_emit(g, 0xb7, 1, 0, 0, fz_imm(g));
	point(g, 2, d);
	fz_sub(g, SUB_DYNPTR, 0);
	fz_emit(g, 0x85, 0, 1, 0, 0);
	g->nums &= ~0x3fu;
	g->nums |= 1;
}

void fz_dynptr_given(struct gen *g)
{
	struct dyn d = { .reg = CTX };

	fz_emit(g, 0xbf, CTX, 2, 0, 0);
	fz_emit(g, 0xbf, 7, 1, 0, 0);
	if (chance(g, 2))
		fz_emit(g, 0x7a, CTX, 0, 8 * below(g, 2), 0);
	use(g, &d);
	if (chance(g, 30))
		use(g, &d);
	if (chance(g, 3))
		give_back(g, &d);
}

/* What is done between: half of it is overwritten, now and then. */
static void between(struct gen *g, struct dyn *d)
{
	u32 n;

	for (n = 1 + below(g, 3); n--;) {
		if (chance(g, 12))
			pass_on(g, d);
		else
			use(g, d);
	}
	if (chance(g, d->record ? 2 : 6))
		fz_touch(g, 10, d->at + below(g, 9), fz_size(g), true);
	if (chance(g, 30) && g->depth < 3)
		fz_fragments(g, 1);
	if (chance(g, 40))
		use(g, d);
}

/* Made on both ways here, in one of several manners. */
static void made_twice(struct gen *g, const struct dyn *d)
{
	struct dyn other = *d;
	struct label second, done;

	fz_label(g, &second);
	fz_label(g, &done);
	other.record ^= chance(g, 3);
	fz_guard(g, fz_number(g), &second);
	make(g, d);
	fz_jump_to(g, &done, 0x05, 0, 0, 0);
	fz_place(g, &second);
	if (chance(g, 95))
		make(g, &other);
	fz_place(g, &done);
}

void fz_dynptr(struct gen *g)
{
	struct dyn d = { .reg = 10, .at = OWN, .record = chance(g, 50) };
	u32 was = g->busy;

	if (g->no_call)
		return;
	if (chance(g, 15))
		d.at = AREA + 8 * below(g, 7) + (chance(g, 2) ? 4 : 0);
	if (chance(g, 25))
		made_twice(g, &d);
	else
		make(g, &d);
	between(g, &d);
	if (d.record ? chance(g, 97) : chance(g, 2))
		give_back(g, &d);
	if (chance(g, d.record ? 2 : 30))
		use(g, &d);
	if (d.kept && chance(g, d.record ? 8 : 60))
		use_kept(g, &d);
	g->busy = was;
}
