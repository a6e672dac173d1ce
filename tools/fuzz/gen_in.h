/* SPDX-License-Identifier: GPL-2.0-only */
/* What the generator's files share */
#ifndef FZ_GEN_IN_H
#define FZ_GEN_IN_H

#include <linux/kapsel.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "gen.h"
#include "machine.h"
#include "rng.h"
#include "world.h"

#define NS		32	/* samples */
#define MAX_SITES	24
#define MAX_SUBS	6
#define CTX		6	/* the register that keeps the context */
#define SPILLS		8	/* slots for spills: r10 - 8 to r10 - 64 */
#define AREA		(-128)	/* 64 bytes for variable offsets */

#define X		0x08
#define J64		0x05
#define J32		0x06
#define A64		0x07
#define A32		0x04

/** enum sub_kind - a function to be written after the main one */
enum sub_kind {
	SUB_PLAIN,
	SUB_CALLBACK,
	SUB_EACH,	/* for each element of a map */
	SUB_QUIET,	/* calls nothing */
	SUB_TAIL,	/* a tail call, where none may be */
	SUB_DYNPTR,	/* uses the caller's */
};

/** struct label - where jumps go that are not placed yet */
struct label {
	u32 site[MAX_SITES];
	u32 nr;
	u32 nums;
	u8 id;
};

/**
 * struct gen - a program being written
 * @nums: registers that hold numbers
 * @busy: registers that must keep what they hold
 * @val: what each register holds in samples of runs
 * @at: of each sample: the label it waits at, 0: it runs
 * @slot: samples of spills
 * @no_ctx: in a function: there is no context
 * @no_call: calls would destroy something
 */
struct gen {
	struct fz_prog *p;
	struct fz_rng r;
	u32 nums;
	u32 busy;
	u32 depth;
	u64 val[NS][KPS_NR_REGS];
	u8 at[NS];
	u64 slot[NS][SPILLS];
	u8 spilled[SPILLS];
	u8 labels;
	bool no_ctx;
	u32 no_call;
	struct {
		u32 site;
		enum sub_kind kind;
		u32 map;
	} sub[MAX_SUBS];
	u32 nr_subs;
};

/* Emitting. */
void fz_emit(struct gen *g, u8 code, u8 dst, u8 src, s16 off, s32 imm);
void fz_lddw(struct gen *g, u8 dst, u8 src, u32 lo, u32 hi);
void fz_label(struct gen *g, struct label *l);
void fz_jump_to(struct gen *g, struct label *l, u8 code, u8 dst, u8 src, s32 imm);
void fz_place(struct gen *g, struct label *l);
void fz_call(struct gen *g, s32 id);
u8 fz_pick(struct gen *g);
u8 fz_pick_saved(struct gen *g);

/* Numbers. */
void fz_source(struct gen *g, u8 reg);
u8 fz_number(struct gen *g);
void fz_chain(struct gen *g, u8 reg, u32 n);
s32 fz_imm(struct gen *g);
void fz_spill(struct gen *g, u8 reg, u32 slot, u32 at, u32 size);
void fz_fill(struct gen *g, u8 reg, u32 slot, u32 at, u32 size);
void fz_guard(struct gen *g, u8 reg, struct label *out);
void fz_clamp(struct gen *g, u8 reg, u32 most, struct label *out);
void fz_bounds(const struct gen *g, u8 reg, s64 *lo, s64 *hi);
s32 fz_slip(struct gen *g);

/* Fragments. */
void fz_fragment(struct gen *g);
void fz_fragments(struct gen *g, u32 n);
void fz_loop(struct gen *g);
void fz_diamond(struct gen *g);
void fz_null_tests(struct gen *g);
void fz_fan(struct gen *g);
void fz_use_map(struct gen *g, u8 reg, struct label *out);
void fz_map_use(struct gen *g);
void fz_element(struct gen *g, u32 map);
void fz_dynptr(struct gen *g);
void fz_dynptr_given(struct gen *g);
void fz_sub(struct gen *g, enum sub_kind kind, u32 map);
void fz_clear(struct gen *g, u32 bytes);
void fz_touch(struct gen *g, u8 ptr, s16 off, u32 size, bool may_store);

static inline bool chance(struct gen *g, u32 percent)
{
	return fz_chance(&g->r, percent);
}

static inline u32 below(struct gen *g, u32 n)
{
	return fz_below(&g->r, n);
}

/* A load's or store's, bytes. */
static inline u32 fz_size(struct gen *g)
{
	return 1u << below(g, 4);
}

#endif
