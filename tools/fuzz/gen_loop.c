// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: loops of all shapes, functions, whole programs */

#include <stdlib.h>
#include <string.h>

#include "gen_in.h"

/**
 * struct counted - a loop that counts
 * @i: the counter
 * @beside: a register that moves with it, 0: none
 * @bound: register with the bound, 0: an immediate
 * @first: of the counter
 * @step: a trip, negative: down
 * @trips: how many, if the bound is an immediate
 * @wide: 64 bits
 * @slot: where the counter lives, or SPILLS
 * @stride: of @beside
 * @slack: how far the counter may go further
 */
struct counted {
	u8 i;
	u8 beside;
	u8 bound;
	s32 first;
	s32 step;
	u32 trips;
	bool wide;
	u32 slot;
	u32 stride;
	s32 slack;
};

static s32 last_of(const struct counted *c)
{
	return (s32)((u32)c->first + (u32)c->step * c->trips);
}

static u8 exit_test(struct gen *g, const struct counted *c)
{
	static const u8 up[] = { BPF_JLT, BPF_JSLT, BPF_JNE, BPF_JLE, BPF_JSLE };
	static const u8 down[] = { BPF_JGT, BPF_JSGT, BPF_JNE, BPF_JGE, BPF_JSGE };

	return c->step > 0 ? up[below(g, 5)] : down[below(g, 5)];
}

static void random_shape(struct gen *g, struct counted *c)
{
	static const s32 steps[] = { 1, 1, 1, 2, 3, 4, 8, 16, 24, -1, -1, -2, -8 };

	c->step = steps[below(g, ARRAY_SIZE(steps))];
	c->trips = chance(g, 80) ? 1 + below(g, 20) : 1 + below(g, 200);
	c->wide = chance(g, 60);
	c->first = c->step > 0 ? (chance(g, 70) ? 0 : fz_in(&g->r, -20, 40)) :
		   -c->step * (s32)c->trips + (chance(g, 70) ? 0 : (s32)below(g, 9));
	if (c->first < 0 && chance(g, 70))
		c->first = -c->first;
	c->slack = chance(g, 40) ? abs(c->step) : 0;
	if (chance(g, 6))
		c->first = fz_imm(g);
	c->slot = chance(g, 20) ? below(g, SPILLS) : SPILLS;
	c->stride = 1u << below(g, 4);
}

/* Memory beside the counter: an index, or a pointer that moves by itself. */
static void use_counter(struct gen *g, const struct counted *c, u8 ptr)
{
	u32 size = 1u << below(g, 4);
	s64 most = max_t(s64, c->first, (s64)last_of(c) - c->step) + c->slack;
	s64 off = 4096 - size - most + fz_slip(g);

	if (c->beside && chance(g, 70)) {
		size = min(size, c->stride);
		fz_touch(g, c->beside, c->stride - size + fz_slip(g), size, true);
	}
	if (ptr && (chance(g, 50) || !c->beside) && off == (s16)off) {
		fz_lddw(g, ptr, BPF_PSEUDO_MAP_VALUE, FZ_BIG, 0);
		fz_emit(g, 0x0f, ptr, c->i, 0, 0);
		fz_touch(g, ptr, off, size, true);
	}
}

static void loop_body(struct gen *g, const struct counted *c, struct label *out)
{
	u32 was = g->busy;
	u8 ptr = fz_pick(g);

	if (ptr && !(g->busy >> ptr & 1)) {
		g->busy |= 1u << ptr;
		use_counter(g, c, ptr);
		g->busy = was;
	}
	if (chance(g, 25))
		fz_guard(g, fz_number(g), out);
	if (chance(g, 40))
		fz_fragments(g, 1);
}

static void move_counter(struct gen *g, const struct counted *c)
{
	bool by_data = !c->bound && c->step > 0 && chance(g, 8);
	u8 reg = fz_pick(g);

	if (by_data && reg != c->i) {
		fz_source(g, reg);
		fz_emit(g, 0x57, reg, 0, 0, 7);
		fz_emit(g, 0x07, reg, 0, 0, chance(g, 90));
		fz_emit(g, c->wide ? 0x0f : 0x0c, c->i, reg, 0, 0);
	} else if (chance(g, 30)) {
		fz_emit(g, c->wide ? 0x17 : 0x14, c->i, 0, 0, -c->step);
	} else {
		fz_emit(g, c->wide ? 0x07 : 0x04, c->i, 0, 0, c->step);
	}
	if (c->beside)
		fz_emit(g, 0x07, c->beside, 0, 0, c->stride);
}

static void jump_back(struct gen *g, const struct counted *c, u8 op, u32 top)
{
	s32 distance = (s32)top - (s32)g->p->cnt - 1;
	u8 class = c->wide ? (chance(g, 92) ? J64 : J32) : (chance(g, 60) ? J32 : J64);
	bool inclusive = op == BPF_JLE || op == BPF_JSLE || op == BPF_JGE || op == BPF_JSGE;

	if (c->bound)
		fz_emit(g, op | X | class, c->i, c->bound, distance, 0);
	else
		fz_emit(g, op | class, c->i, 0, distance,
			(u32)last_of(c) - (inclusive ? c->step : 0) + chance(g, 4));
}

static bool begin_counted(struct gen *g, struct counted *c, struct label *out)
{
	random_shape(g, c);
	c->i = chance(g, 70) ? fz_pick_saved(g) : fz_pick(g);
	if (g->busy >> c->i & 1)
		return false;
	g->busy |= 1u << c->i;
	if (c->i < 6)
		g->no_call++;
	if (chance(g, 40)) {
		c->beside = fz_pick_saved(g);
		if (c->beside) {
			g->busy |= 1u << c->beside;
			fz_lddw(g, c->beside, BPF_PSEUDO_MAP_VALUE,
				c->stride * c->trips <= 64 ? FZ_ARRAY : FZ_BIG, 0);
		}
	}
	if (chance(g, 30) && c->step > 0) {
		c->bound = fz_pick_saved(g);
		if (c->bound) {
			g->busy |= 1u << c->bound;
			fz_source(g, c->bound);
			if (chance(g, 90))
				fz_clamp(g, c->bound, last_of(c) < 1 ? 1 : last_of(c), out);
		}
	}
	fz_emit(g, chance(g, 60) ? 0xb7 : 0xb4, c->i, 0, 0, c->first);
	if (chance(g, 10)) {
		fz_source(g, c->i);
		fz_clamp(g, c->i, below(g, 16), out);
		c->slack += 16;
	}
	return true;
}

/* What the loop changes is known no more, whatever the samples say. */
static void forget_numbers(struct gen *g, u32 before)
{
	u32 i, reg;

	g->nums &= before;
	for (reg = 0; reg < 10; reg++)
		for (i = 0; i < NS; i++)
			g->val[i][reg] = fz_rand(&g->r) >> below(g, 64);
}

static void after_loop(struct gen *g, const struct counted *c)
{
	struct label out;

	g->nums |= 1u << c->i;
	if (!chance(g, 30))
		return;
	fz_label(g, &out);
	fz_guard(g, c->i, &out);
	fz_use_map(g, c->i, &out);
	fz_place(g, &out);
}

static void loop_at(struct gen *g, struct counted *c, struct label *out)
{
	u8 op = exit_test(g, c);
	bool spilled = c->slot < SPILLS;
	u32 top;

	if (spilled)
		fz_spill(g, c->i, c->slot, 0, 8);
	top = g->p->cnt;
	if (spilled)
		fz_fill(g, c->i, c->slot, 0, 8);
	if (chance(g, 30) && c->bound)
		fz_jump_to(g, out, BPF_JGE | X | J64, c->i, c->bound, 0);
	loop_body(g, c, out);
	move_counter(g, c);
	if (spilled)
		fz_spill(g, c->i, c->slot, 0, 8);
	jump_back(g, c, op, top);
}

void fz_loop(struct gen *g)
{
	struct counted c = { .slot = SPILLS };
	u32 was = g->busy, calls = g->no_call, nums;
	struct label out;

	fz_label(g, &out);
	if (begin_counted(g, &c, &out)) {
		nums = g->nums;
		/* Numbers of the body are not there in the first trip. */
		loop_at(g, &c, &out);
		forget_numbers(g, nums);
	}
	g->busy = was;
	g->no_call = calls;
	fz_place(g, &out);
	g->nums &= ~(1u << c.beside);
	if (c.trips && !(was >> c.i & 1))
		after_loop(g, &c);
}

/* Functions. */
static void clear_spills(struct gen *g)
{
	u32 i;

	for (i = 0; i < SPILLS && chance(g, 92); i++) {
		fz_emit(g, 0x7a, 10, 0, -8 * (s32)(i + 1), 0);
		g->spilled[i] = 0xff;
	}
}

/* What the function is given: r1 a number and r2 memory, but for an element's. */
static void write_use(struct gen *g, enum sub_kind kind, u32 map)
{
	if (kind == SUB_EACH) {
		fz_element(g, map);
		return;
	}
	if (kind == SUB_DYNPTR) {
		fz_dynptr_given(g);
		return;
	}
	if (kind == SUB_TAIL) {
		fz_lddw(g, 2, BPF_PSEUDO_MAP_FD, FZ_PROGS, 0);
		fz_emit(g, 0xb7, 3, 0, 0, 0);
		fz_call(g, BPF_FUNC_tail_call);
		return;
	}
	fz_emit(g, 0xbf, CTX, 2, 0, 0);
	fz_emit(g, 0xbf, 7, 1, 0, 0);
	if (chance(g, 70))
		fz_touch(g, CTX, 8 * below(g, 2), 8, true);
	fz_fragments(g, 1 + below(g, 2));
	if (chance(g, 60))
		fz_emit(g, chance(g, 50) ? 0x7b : 0x7a, CTX, chance(g, 3) ? 10 : 7,
			8 * below(g, 2), 0);
	if (g->p->insn[g->p->cnt - 1].code == 0x7a)
		g->p->insn[g->p->cnt - 1].src_reg = 0;
}

static void write_result(struct gen *g, enum sub_kind kind)
{
	if (kind == SUB_EACH && chance(g, 40) && g->nums >> 7 & 1) {
		fz_emit(g, 0xbf, 0, 7, 0, 0);
		fz_emit(g, 0x57, 0, 0, 0, chance(g, 95) ? 1 : 2);
	} else if (kind == SUB_CALLBACK || kind == SUB_EACH || chance(g, 30)) {
		fz_emit(g, 0xb7, 0, 0, 0, chance(g, 95) ? 0 : 1 + chance(g, 50));
	} else if (g->nums >> 7 & 1) {
		fz_emit(g, 0xbf, 0, 7, 0, 0);
		if (chance(g, 50))
			fz_emit(g, 0x57, 0, 0, 0, 0x3f);
	} else {
		fz_emit(g, 0xb7, 0, 0, 0, 1);
	}
	g->p->insn[g->p->cnt++] = (struct bpf_insn){ .code = 0x95 };
}

static void write_sub(struct gen *g, enum sub_kind kind, u32 map)
{
	u32 i;

	g->nums = 1u << 1;
	g->busy = 0;
	g->no_ctx = true;
	g->no_call = kind == SUB_QUIET;
	g->depth = 2;
	memset(g->spilled, 0, sizeof(g->spilled));
	clear_spills(g);
	for (i = 0; i < NS; i++) {
		g->val[i][1] = kind == SUB_CALLBACK ? below(g, 40) : fz_rand(&g->r) >> below(g, 64);
		g->at[i] = 0;
	}
	write_use(g, kind, map);
	write_result(g, kind);
}

static void write_subs(struct gen *g)
{
	u32 n, site;

	/* Functions may call further ones, which are written after them. */
	for (n = 0; n < g->nr_subs; n++) {
		site = g->sub[n].site;
		if (site >= g->p->cnt)
			continue;
		g->p->insn[site].imm = g->p->cnt - site - 1;
		write_sub(g, g->sub[n].kind, g->sub[n].map);
	}
}

static void write_end(struct gen *g)
{
	u8 reg;

	if (g->p->type == KAPSEL_PROG_NETFILTER) {
		if (chance(g, 70)) {
			fz_emit(g, 0xb7, 0, 0, 0, chance(g, 97));
		} else {
			reg = fz_number(g);
			fz_emit(g, 0xbf, 0, reg, 0, 0);
			fz_emit(g, 0x57, 0, 0, 0, 1);
		}
	} else if (chance(g, 50) && g->nums & 0x3bf) {
		reg = fz_number(g);
		if (reg)
			fz_emit(g, 0xbf, 0, reg, 0, 0);
	} else {
		fz_emit(g, 0xb7, 0, 0, 0, 0);
	}
	g->p->insn[g->p->cnt++] = (struct bpf_insn){ .code = 0x95 };
}

void fz_generate(struct fz_prog *p, u64 seed)
{
	static struct gen gen;
	struct gen *g = &gen;

	memset(g, 0, sizeof(*g));
	p->cnt = 0;
	p->nr_pool = 0;
	g->p = p;
	g->r.state = seed;
	fz_rand(&g->r);
	p->type = chance(g, 60) ? KAPSEL_PROG_NETFILTER : KAPSEL_PROG_KPROBE;
	fz_emit(g, 0xbf, CTX, 1, 0, 0);
	clear_spills(g);
	if (chance(g, 35))
		fz_loop(g);
	fz_fragments(g, 1 + below(g, chance(g, 20) ? 10 : 3));
	write_end(g);
	write_subs(g);
	if (chance(g, 12))
		fz_mutate(p, fz_rand(&g->r), 1 + below(g, 3));
}
