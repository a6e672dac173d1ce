// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: tail calls, maps of maps, locks, elements, formats, queues */

#include "gen_in.h"

#define KEY	(-136)	/* where keys are, on the stack */
#define TEXT	(AREA + 32)

static u32 shortest(struct gen *g)
{
	return 1u << below(g, 3);
}

/* r1 the map, r2 a key. */
static void map_and_key(struct gen *g, u32 map, bool fresh)
{
	if (fresh)
		fz_emit(g, 0x7a, 10, 0, KEY, below(g, 5));
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, map, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, KEY);
}

/* A function that may not do that. */
static void tail_call_in_function(struct gen *g)
{
	if (g->nr_subs == MAX_SUBS)
		return;
	fz_emit(g, 0xbf, 1, CTX, 0, 0);
	fz_emit(g, 0xb7, 2, 0, 0, 0);
	fz_sub(g, SUB_TAIL, 0);
	fz_emit(g, 0x85, 0, 1, 0, 0);
	g->nums &= ~0x3fu;
}

static u32 programs(struct gen *g)
{
	bool netfilter = g->p->type == KAPSEL_PROG_NETFILTER;

	if (chance(g, 2))
		return FZ_TABLE;
	return chance(g, netfilter ? 40 : 3) ? FZ_NF_PROGS : FZ_PROGS;
}

/* For good, or not: then the path goes on without r0. */
static void tail_call(struct gen *g)
{
	u8 index = fz_number(g);

	if (g->no_call || g->no_ctx)
		return;
	if (chance(g, 2)) {
		tail_call_in_function(g);
		return;
	}
	if (chance(g, 40))
		fz_emit(g, 0x57, index, 0, 0, 3);
	if (chance(g, 50))
		fz_emit(g, 0xbf, 3, index, 0, 0);
	else
		fz_emit(g, 0xb7, 3, 0, 0, below(g, 6));
	fz_emit(g, 0xbf, 1, CTX, 0, 0);
	if (chance(g, 1))
		fz_emit(g, 0x07, 1, 0, 0, 8);
	fz_lddw(g, 2, BPF_PSEUDO_MAP_FD, programs(g), 0);
	fz_call(g, BPF_FUNC_tail_call);
	if (chance(g, 2))
		fz_emit(g, 0xbf, index, chance(g, 50) ? 0 : 3, 0, 0);
}

/* A map in a map: its values, found or not. */
static void look_up_inner(struct gen *g, u8 map, struct label *out)
{
	u32 size = fz_size(g);

	if (chance(g, 50))
		fz_emit(g, 0x7a, 10, 0, KEY, below(g, 5));
	fz_emit(g, 0xbf, 1, map, 0, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, KEY);
	fz_call(g, BPF_FUNC_map_lookup_elem);
	if (chance(g, 97))
		fz_jump_to(g, out, 0x15, 0, 0, 0);
	fz_touch(g, 0, fz_maps[FZ_ROW].value_size - size + fz_slip(g), size, true);
}

static void change_inner(struct gen *g, u8 map)
{
	fz_clear(g, chance(g, 97) ? 24 : 16);
	fz_emit(g, 0xbf, 1, map, 0, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, KEY);
	fz_emit(g, 0xbf, 3, 10, 0, 0);
	fz_emit(g, 0x07, 3, 0, 0, AREA);
	fz_emit(g, 0xb7, 4, 0, 0, 0);
	fz_call(g, chance(g, 65) ? BPF_FUNC_map_update_elem : BPF_FUNC_map_delete_elem);
	g->nums |= 1;
}

/* r1 is the map. */
static void for_each(struct gen *g, u32 map)
{
	if (g->nr_subs == MAX_SUBS)
		return;
	fz_clear(g, 16);
	fz_sub(g, SUB_EACH, map);
	fz_lddw(g, 2, BPF_PSEUDO_FUNC, 0, 0);
	fz_emit(g, 0xbf, 3, 10, 0, 0);
	fz_emit(g, 0x07, 3, 0, 0, AREA);
	fz_emit(g, 0xb7, 4, 0, 0, chance(g, 1));
	fz_call(g, BPF_FUNC_for_each_map_elem);
	g->nums |= 1;
}

static void use_inner(struct gen *g, u8 map, bool rows, struct label *out)
{
	switch (below(g, 5)) {
	case 0:
	case 1:
		look_up_inner(g, map, out);
		break;
	case 2:
	case 3:
		change_inner(g, map);
		break;
	default:
		if (!rows && chance(g, 90))
			break;
		fz_emit(g, 0xbf, 1, map, 0, 0);
		for_each(g, FZ_ROW);
	}
}

static void inner_map(struct gen *g)
{
	u8 keep = fz_pick_saved(g);
	u32 was = g->busy, n;
	bool rows = chance(g, 50);
	struct label out;

	if (g->no_call || !keep)
		return;
	fz_label(g, &out);
	map_and_key(g, rows ? FZ_ROWS : FZ_SETS, true);
	fz_call(g, BPF_FUNC_map_lookup_elem);
	fz_emit(g, 0xbf, keep, 0, 0, 0);
	g->nums &= ~(1u << keep);
	g->busy |= 1u << keep;
	if (chance(g, 97))
		fz_jump_to(g, &out, 0x15, chance(g, 50) ? 0 : keep, 0, 0);
	if (chance(g, 2))
		fz_touch(g, keep, 0, 8, true);
	for (n = 1 + below(g, 2); n--;)
		use_inner(g, keep, rows, &out);
	g->busy = was;
	fz_place(g, &out);
	g->nums &= ~(1u << keep);
}

/* Locks. */
static void lock_call(struct gen *g, u8 value, u32 map, u32 id)
{
	s32 off = fz_maps[map].lock_off + (chance(g, 1) ? 4 : 0);

	fz_emit(g, 0xbf, 1, value, 0, 0);
	if (off)
		fz_emit(g, 0x07, 1, 0, 0, off);
	fz_call(g, id);
}

/* A value's bytes before or behind its lock. */
static void touch_around(struct gen *g, u8 value, u32 map)
{
	u32 size = fz_size(g), end = fz_maps[map].lock_off + fz_maps[map].lock_size;

	if (size <= fz_maps[map].lock_off && chance(g, 50))
		fz_touch(g, value, fz_maps[map].lock_off - size + fz_slip(g), size, true);
	else if (chance(g, 50))
		fz_touch(g, value, end - fz_slip(g), size, true);
	else
		fz_touch(g, value, fz_maps[map].value_size - size + fz_slip(g), size, true);
}

/* What may be done meanwhile, a function of the program's own at times; and what may not. */
static void while_locked(struct gen *g, u8 value, u32 map)
{
	struct label out;

	fz_label(g, &out);
	touch_around(g, value, map);
	if (chance(g, 30))
		fz_guard(g, fz_number(g), &out);
	if (chance(g, 50) && g->depth < 3)
		fz_fragments(g, 1);
	if (chance(g, 8) && g->nr_subs < MAX_SUBS) {
		fz_emit(g, 0xb7, 1, 0, 0, fz_imm(g));
		fz_clear(g, 16);
		fz_emit(g, 0xbf, 2, 10, 0, 0);
		fz_emit(g, 0x07, 2, 0, 0, AREA);
		fz_sub(g, SUB_QUIET, 0);
		fz_emit(g, 0x85, 0, 1, 0, 0);
		g->nums &= ~0x3fu;
	}
	if (chance(g, 2))
		fz_call(g, BPF_FUNC_get_prandom_u32);
	fz_place(g, &out);
	if (chance(g, 30))
		touch_around(g, value, map);
}

static void give_back(struct gen *g, u8 value, u32 map)
{
	struct label other, done;

	if (chance(g, 2))
		return;
	fz_label(g, &other);
	fz_label(g, &done);
	if (chance(g, 25)) {
		fz_guard(g, fz_number(g), &other);
		lock_call(g, value, map, BPF_FUNC_spin_unlock);
		fz_jump_to(g, &done, 0x05, 0, 0, 0);
		fz_place(g, &other);
		touch_around(g, value, map);
		if (chance(g, 3))
			fz_place(g, &done);
	}
	lock_call(g, value, map, chance(g, 98) ? BPF_FUNC_spin_unlock : BPF_FUNC_spin_lock);
	if (chance(g, 2))
		lock_call(g, value, map, BPF_FUNC_spin_unlock);
	fz_place(g, &done);
}

static void hold(struct gen *g, u8 value, u32 map)
{
	lock_call(g, value, map, chance(g, 98) ? BPF_FUNC_spin_lock : BPF_FUNC_spin_unlock);
	g->no_call++;
	while_locked(g, value, map);
	g->no_call--;
	give_back(g, value, map);
}

static void locked_value(struct gen *g, u8 reg, u32 map, struct label *out)
{
	g->nums &= ~(1u << reg);
	if (map == FZ_LOCKED) {
		fz_lddw(g, reg, BPF_PSEUDO_MAP_VALUE, map, 0);
		return;
	}
	map_and_key(g, map, chance(g, 90));
	fz_call(g, BPF_FUNC_map_lookup_elem);
	fz_emit(g, 0xbf, reg, 0, 0, 0);
	if (chance(g, 97))
		fz_jump_to(g, out, 0x15, reg, 0, 0);
	g->nums &= ~(1u << reg);
}

/* Two pointers to one map's values: they may or may not be to the same value. */
static void two_values(struct gen *g, u8 a, u32 map, struct label *out)
{
	u8 b = fz_pick_saved(g);

	if (!b)
		return;
	g->busy |= 1u << b;
	locked_value(g, b, map, out);
	lock_call(g, a, map, BPF_FUNC_spin_lock);
	touch_around(g, b, map);
	lock_call(g, chance(g, map == FZ_LOCKED ? 50 : 3) ? b : a, map, BPF_FUNC_spin_unlock);
}

static void locked(struct gen *g)
{
	u32 map = chance(g, 40) ? FZ_LOCKED : FZ_LOCKS, was = g->busy;
	u8 keep = fz_pick_saved(g);
	struct label out;

	if (g->no_call || !keep || (g->p->type != KAPSEL_PROG_NETFILTER && !chance(g, 4)))
		return;
	fz_label(g, &out);
	locked_value(g, keep, map, &out);
	g->busy |= 1u << keep;
	if (chance(g, 20))
		two_values(g, keep, map, &out);
	else
		hold(g, keep, map);
	g->busy = was;
	fz_place(g, &out);
	g->nums &= ~(1u << keep);
}

/* Elements. */
static void each_elem(struct gen *g)
{
	static const u8 maps[] = { FZ_TABLE, FZ_TABLE, FZ_HASH, FZ_HASH, FZ_ARRAY, FZ_PERCPU };
	u32 map = maps[below(g, ARRAY_SIZE(maps))];

	if (g->no_call || g->nr_subs == MAX_SUBS)
		return;
	if (g->p->type == KAPSEL_PROG_NETFILTER && chance(g, 20))
		map = FZ_LOCKS;
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, chance(g, 98) ? map : FZ_RING, 0);
	for_each(g, map);
}

/* The map: something is done with the element that the callback is there for. */
static void change_map(struct gen *g, u8 map, u8 key)
{
	fz_clear(g, 48);
	fz_emit(g, 0xbf, 1, map, 0, 0);
	fz_emit(g, 0xbf, 2, key, 0, 0);
	fz_emit(g, 0xbf, 3, 10, 0, 0);
	fz_emit(g, 0x07, 3, 0, 0, AREA);
	fz_emit(g, 0xb7, 4, 0, 0, 0);
	fz_call(g, chance(g, 50) ? BPF_FUNC_map_update_elem : BPF_FUNC_map_delete_elem);
}

/* In the callback: r1 the map, r2 the key, r3 the value, r4 what was handed on. */
void fz_element(struct gen *g, u32 map)
{
	const struct kps_map_facts *facts = &fz_maps[map];
	u32 size = fz_size(g), bytes = shortest(g);
	bool has_lock = facts->lock_size;
	u8 value = 9, key = 8;

	g->nums = 0;
	fz_emit(g, 0xbf, CTX, 4, 0, 0);
	fz_emit(g, 0xbf, value, 3, 0, 0);
	fz_emit(g, 0xbf, key, 2, 0, 0);
	fz_touch(g, key, facts->key_size - bytes + fz_slip(g), bytes, chance(g, 2));
	fz_emit(g, 0xbf, 7, 1, 0, 0);
	g->busy = 1u << 7 | 1u << value | 1u << key;
	if (chance(g, 40))
		change_map(g, 7, key);
	if (has_lock && chance(g, 60))
		hold(g, value, map);
	else if (has_lock)
		touch_around(g, value, map);
	else
		fz_touch(g, value, facts->value_size - size + fz_slip(g), size, true);
	if (chance(g, 60))
		fz_touch(g, CTX, 8 * below(g, 2), 8, true);
	g->busy &= ~(1u << 7);
	fz_source(g, 7);
	if (chance(g, 40))
		fz_fragments(g, 1);
}

/* Formats: the arguments, and as many as it wants, or one too few. */
static u32 arguments(struct gen *g, u32 text)
{
	static const u8 wants[FZ_NR_TEXTS] = { 1, 2, 2, 0, 2, 1, 1, 1, 0 };
	u32 n = wants[text] + chance(g, 30), i;

	n -= n && chance(g, 3);
	for (i = 0; i < n; i++)
		fz_emit(g, 0x7b, 10, fz_number(g), AREA + 8 * i, 0);
	return n;
}

static u32 some_text(struct gen *g)
{
	bool all = g->p->type == KAPSEL_PROG_KPROBE;

	return below(g, chance(g, 96) ? (all ? 7 : 5) : FZ_NR_TEXTS);
}

/* r4 and r5 of snprintf, r3 and r4 of trace_vprintk. */
static void words(struct gen *g, u8 reg, u32 n)
{
	if (n) {
		fz_emit(g, 0xbf, reg, 10, 0, 0);
		fz_emit(g, 0x07, reg, 0, 0, AREA);
	} else {
		fz_emit(g, 0xb7, reg, 0, 0, 0);
	}
	fz_emit(g, 0xb7, reg + 1, 0, 0, 8 * n + (chance(g, 1) ? 4 : 0));
}

static void buffer(struct gen *g, u8 reg, u32 bytes)
{
	fz_emit(g, 0xbf, reg, 10, 0, 0);
	fz_emit(g, 0x07, reg, 0, 0, TEXT);
	fz_emit(g, 0xb7, reg + 1, 0, 0, bytes);
}

static void format(struct gen *g)
{
	u32 text = some_text(g), n, bytes = 1 + below(g, 31);

	if (g->no_call)
		return;
	fz_clear(g, 64);
	n = arguments(g, text);
	switch (below(g, 5)) {
	case 0:
		buffer(g, 1, bytes);
		words(g, 3, n);
		fz_call(g, BPF_FUNC_trace_vprintk);
		break;
	case 1:
		buffer(g, 1, bytes);
		fz_lddw(g, 3, BPF_PSEUDO_MAP_VALUE, FZ_TEXT, FZ_TEXT_CELL * text);
		fz_call(g, BPF_FUNC_strncmp);
		break;
	default:
		buffer(g, 1, bytes);
		if (chance(g, 20))
			fz_emit(g, 0xb7, 2, 0, 0, 0);
		if (chance(g, 10))
			fz_emit(g, 0xb7, 1, 0, 0, 0);
		fz_lddw(g, 3, BPF_PSEUDO_MAP_VALUE, chance(g, 99) ? FZ_TEXT : FZ_RODATA,
			FZ_TEXT_CELL * text + (chance(g, 3) ? below(g, 8) : 0));
		words(g, 4, n);
		fz_call(g, BPF_FUNC_snprintf);
		g->nums |= 1;
	}
	if (chance(g, 50))
		fz_touch(g, 10, TEXT + 8 * below(g, 4), 8, false);
}

/* What comes out of a queue was not there before. */
static void queue(struct gen *g)
{
	static const s32 ids[] = {
		BPF_FUNC_map_push_elem, BPF_FUNC_map_pop_elem, BPF_FUNC_map_peek_elem,
	};
	s32 id = ids[below(g, 3)];
	s16 at = AREA + 40 + (chance(g, 50) ? 0 : fz_slip(g));

	if (g->no_call)
		return;
	if (id == BPF_FUNC_map_push_elem || chance(g, 50))
		fz_clear(g, 64);
	if (chance(g, 20))
		fz_emit(g, 0x7b, 10, 10, AREA + 48, 0);
	fz_lddw(g, 1, BPF_PSEUDO_MAP_FD, FZ_QUEUE, 0);
	fz_emit(g, 0xbf, 2, 10, 0, 0);
	fz_emit(g, 0x07, 2, 0, 0, at);
	fz_emit(g, 0xb7, 3, 0, 0, 0);
	fz_call(g, id);
	fz_touch(g, 10, AREA + 40 + 8 * below(g, 3), 8, false);
}

void fz_map_use(struct gen *g)
{
	u32 kind = below(g, 100);

	if (kind < 13)
		tail_call(g);
	else if (kind < 32)
		inner_map(g);
	else if (kind < 54)
		locked(g);
	else if (kind < 70)
		each_elem(g);
	else if (kind < 80)
		format(g);
	else if (kind < 86)
		queue(g);
	else
		fz_dynptr(g);
}
