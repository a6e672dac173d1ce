// SPDX-License-Identifier: GPL-2.0-only
/* A generator of programs: emitting, numbers, guards */

#include <stdio.h>
#include <string.h>

#include "core/disasm.h"
#include "gen_in.h"

static bool is_number(const struct gen *g, u8 reg)
{
	return g->nums >> reg & 1;
}

static void remember(struct gen *g, u64 n)
{
	struct fz_prog *p = g->p;

	if (p->nr_pool < FZ_MAX_POOL)
		p->pool[p->nr_pool++] = n;
	else
		p->pool[below(g, FZ_MAX_POOL)] = n;
}

/* Samples of the runs follow what is emitted, as far as it concerns numbers. */
static void follow_alu(struct gen *g, const struct bpf_insn *insn)
{
	bool by_reg = BPF_SRC(insn->code) == BPF_X && BPF_OP(insn->code) != BPF_END &&
		      BPF_OP(insn->code) != BPF_NEG;
	u32 i;

	if (by_reg && !is_number(g, insn->src_reg)) {
		g->nums &= ~(1u << insn->dst_reg);
		return;
	}
	if (BPF_OP(insn->code) == BPF_MOV)
		g->nums |= 1u << insn->dst_reg;
	for (i = 0; i < NS; i++) {
		u64 *regs = g->val[i];

		if (!g->at[i])
			regs[insn->dst_reg] = fz_alu(insn, regs[insn->dst_reg], by_reg ?
						     regs[insn->src_reg] : (u64)(s64)insn->imm);
	}
}

void fz_emit(struct gen *g, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	struct bpf_insn insn = {
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};

	if (g->p->cnt >= FZ_MAX_INSNS)
		return;
	g->p->insn[g->p->cnt++] = insn;
	if (BPF_CLASS(code) == BPF_ALU || BPF_CLASS(code) == BPF_ALU64)
		follow_alu(g, &insn);
	else if (BPF_CLASS(code) == BPF_LDX)
		g->nums &= ~(1u << dst);
}

void fz_lddw(struct gen *g, u8 dst, u8 src, u32 lo, u32 hi)
{
	fz_emit(g, 0x18, dst, src, 0, lo);
	fz_emit(g, 0, 0, 0, 0, hi);
	g->nums &= ~(1u << dst);
}

void fz_label(struct gen *g, struct label *l)
{
	*l = (struct label){ .nums = ~0u, .id = ++g->labels ?: ++g->labels };
}

/* A jump to a label that lies ahead; BPF_JA always. */
void fz_jump_to(struct gen *g, struct label *l, u8 code, u8 dst, u8 src, s32 imm)
{
	struct bpf_insn insn = { .code = code, .dst_reg = dst, .src_reg = src, .imm = imm };
	bool known = is_number(g, dst) && (!(code & X) || is_number(g, src));
	u32 i;

	if (l->nr == MAX_SITES)
		return;
	l->site[l->nr++] = g->p->cnt;
	l->nums &= g->nums;
	fz_emit(g, code, dst, src, 0, imm);
	if (BPF_OP(code) != BPF_JA && !(code & X))
		remember(g, (u64)(s64)imm);
	for (i = 0; i < NS; i++) {
		bool taken = known ? fz_jump(&insn, g->val[i][dst],
					     code & X ? g->val[i][src] : (u64)(s64)imm) :
			     i % 4 == 0;

		if (!g->at[i] && (BPF_OP(code) == BPF_JA || taken))
			g->at[i] = l->id;
	}
}

void fz_place(struct gen *g, struct label *l)
{
	u32 i;

	for (i = 0; i < l->nr; i++)
		if (l->site[i] < g->p->cnt)
			g->p->insn[l->site[i]].off = g->p->cnt - l->site[i] - 1;
	if (l->nr)
		g->nums &= l->nums;
	for (i = 0; i < NS; i++)
		if (g->at[i] == l->id)
			g->at[i] = 0;
	l->nr = 0;
}

void fz_call(struct gen *g, s32 id)
{
	fz_emit(g, 0x85, 0, 0, 0, id);
	g->nums &= ~0x3fu;
}

u8 fz_pick_saved(struct gen *g)
{
	u32 i, reg = 7 + below(g, 3);

	for (i = 0; i < 3; i++, reg = reg == 9 ? 7 : reg + 1)
		if (!(g->busy >> reg & 1))
			return reg;
	return 0;
}

u8 fz_pick(struct gen *g)
{
	u32 i, reg = below(g, 10);

	for (i = 0; i < 10; i++, reg = (reg + 1) % 10)
		if (reg != CTX && !(g->busy >> reg & 1))
			return reg;
	return 0;
}

/* Numbers. */
s32 fz_imm(struct gen *g)
{
	static const s32 corners[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 24, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096,
		0x7fff, 0x8000, 0xffff, 0x10000, 0x7ffffffe, 0x7fffffff, -1, -2, -8, -16,
		-128, -129, -256, -32768, (s32)0x80000000, (s32)0x80000001, 0x40000000,
	};

	switch (below(g, 4)) {
	case 0:
		return fz_rand(&g->r);
	case 1:
		return fz_in(&g->r, -64, 256);
	default:
		return corners[below(g, ARRAY_SIZE(corners))];
	}
}

static void sample(struct gen *g, u8 reg, u32 size)
{
	u32 i;

	g->nums |= 1u << reg;
	for (i = 0; i < NS; i++) {
		u64 n = fz_rand(&g->r);

		if (i % 3 == 0)
			n = (u64)(s64)fz_imm(g);
		else if (i % 3 == 1)
			n >>= below(g, 64);
		if (i == 0)
			n = 0;
		if (i == 1)
			n = ~0ULL;
		if (!g->at[i])
			g->val[i][reg] = size == 8 ? n : n & ((1ULL << 8 * size) - 1);
	}
}

static const u8 ldx_codes[] = { 0x71, 0x69, 0x61, 0x79 };
static const u8 ldsx_codes[] = { 0x91, 0x89, 0x81, 0x79 };

static void source_ctx(struct gen *g, u8 reg)
{
	static const u8 fields[] = { 0, 8, 32, 48, 52, 68, 92, 152 };
	u32 log = below(g, 4), field;

	if (g->p->type == KAPSEL_PROG_KPROBE) {
		field = 8 * below(g, 20) + (8 >> (3 - log)) * below(g, 8 >> log);
	} else {
		field = fields[below(g, ARRAY_SIZE(fields))];
		if (field == 152)
			log = 3;
		else if (log == 3)
			log = 2;
	}
	fz_emit(g, ldx_codes[log], reg, CTX, field, 0);
	sample(g, reg, 1u << log);
}

static void source_map(struct gen *g, u8 reg)
{
	u32 log = below(g, 4);
	bool extend = chance(g, 25);
	u32 i;

	fz_lddw(g, reg, BPF_PSEUDO_MAP_VALUE, FZ_ARRAY, 0);
	fz_emit(g, extend ? ldsx_codes[log] : ldx_codes[log], reg, reg, 8 * below(g, 8), 0);
	sample(g, reg, 1u << log);
	for (i = 0; i < NS && extend && log < 3; i++)
		if (!g->at[i])
			g->val[i][reg] = (s64)(g->val[i][reg] << (64 - (8u << log))) >>
					 (64 - (8u << log));
}

void fz_source(struct gen *g, u8 reg)
{
	u32 kind = below(g, 10);

	if (kind < 5 && !g->no_ctx) {
		source_ctx(g, reg);
	} else if (kind < 8 || g->no_call || reg < 6) {
		source_map(g, reg);
	} else {
		fz_call(g, BPF_FUNC_get_prandom_u32);
		sample(g, 0, 4);
		fz_emit(g, 0xbf, reg, 0, 0, 0);
	}
}

u8 fz_number(struct gen *g)
{
	u32 i, reg = below(g, 10);

	for (i = 0; i < 10 && chance(g, 60); i++, reg = (reg + 1) % 10)
		if (is_number(g, reg) && !(g->busy >> reg & 1))
			return reg;
	reg = fz_pick(g);
	fz_source(g, reg);
	return reg;
}

static void extension_pair(struct gen *g, u8 reg)
{
	u32 n = chance(g, 60) ? 32 : 8 * (1 + below(g, 7));

	fz_emit(g, 0x67, reg, 0, 0, n);
	fz_emit(g, chance(g, 50) ? 0x77 : 0xc7, reg, 0, 0, n);
}

static void unary(struct gen *g, u8 reg)
{
	static const s16 from[] = { 8, 16, 32 };
	static const s32 sizes[] = { 16, 32, 64 };
	static const u8 ends[] = { 0xd4, 0xdc, 0xd7 };

	switch (below(g, 5)) {
	case 0:
		fz_emit(g, chance(g, 50) ? 0x87 : 0x84, reg, 0, 0, 0);
		break;
	case 1:
		fz_emit(g, ends[below(g, 3)], reg, 0, 0, sizes[below(g, 3)]);
		break;
	case 2:
		fz_emit(g, 0xbf, reg, reg, from[below(g, 3)], 0);
		break;
	case 3:
		fz_emit(g, 0xbc, reg, reg, below(g, 2) * from[below(g, 2)], 0);
		break;
	default:
		extension_pair(g, reg);
	}
}

static void binary_imm(struct gen *g, u8 reg)
{
	static const u8 ops[] = {
		BPF_ADD, BPF_ADD, BPF_ADD, BPF_SUB, BPF_AND, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL,
		BPF_LSH, BPF_RSH, BPF_ARSH, BPF_DIV, BPF_MOD,
	};
	u8 op = ops[below(g, ARRAY_SIZE(ops))];
	u8 class = chance(g, 55) ? A64 : A32;
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	bool divides = op == BPF_DIV || op == BPF_MOD;
	s32 imm = shift && chance(g, 90) ? (s32)below(g, class == A64 ? 64 : 32) : fz_imm(g);

	if (op == BPF_MUL || (shift && chance(g, 45)))
		imm = below(g, shift ? 6 : 20);
	fz_emit(g, op | class, reg, 0, divides && chance(g, 50), imm);
}

static void binary_reg(struct gen *g, u8 reg)
{
	static const u8 ops[] = {
		BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL, BPF_LSH, BPF_RSH, BPF_ARSH,
		BPF_DIV, BPF_MOD,
	};
	u8 op = ops[below(g, ARRAY_SIZE(ops))];
	u32 i, src = below(g, 10);

	for (i = 0; i < 10 && !is_number(g, src); i++)
		src = (src + 1) % 10;
	if (!is_number(g, src))
		return;
	fz_emit(g, op | X | (chance(g, 60) ? A64 : A32), reg, src,
		(op == BPF_DIV || op == BPF_MOD) && chance(g, 50), 0);
}

void fz_chain(struct gen *g, u8 reg, u32 n)
{
	while (n--) {
		u32 kind = below(g, 10);

		if (kind < 6)
			binary_imm(g, reg);
		else if (kind < 8)
			unary(g, reg);
		else
			binary_reg(g, reg);
	}
}

static const u8 stx_codes[] = { 0x73, 0x6b, 0x63, 0x7b };
static const u8 st_codes[] = { 0x72, 0x6a, 0x62, 0x7a };

void fz_spill(struct gen *g, u8 reg, u32 slot, u32 at, u32 size)
{
	u32 i, log = __builtin_ctz(size);

	fz_emit(g, stx_codes[log], 10, reg, -8 * (s32)(slot + 1) + at, 0);
	for (i = 0; i < NS; i++)
		if (!g->at[i])
			memcpy((u8 *)&g->slot[i][slot] + at, &g->val[i][reg], size);
	g->spilled[slot] |= ((1u << size) - 1) << at;
}

void fz_fill(struct gen *g, u8 reg, u32 slot, u32 at, u32 size)
{
	u32 i, log = __builtin_ctz(size);
	bool extend = chance(g, 15);

	fz_emit(g, extend ? ldsx_codes[log] : ldx_codes[log], reg, 10,
		-8 * (s32)(slot + 1) + at, 0);
	g->nums |= 1u << reg;
	for (i = 0; i < NS; i++) {
		u64 n = 0;

		memcpy(&n, (u8 *)&g->slot[i][slot] + at, size);
		if (extend && size < 8)
			n = (s64)(n << (64 - 8 * size)) >> (64 - 8 * size);
		if (!g->at[i])
			g->val[i][reg] = n;
	}
}

/* Guards. */
static const u8 tests[] = {
	BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JEQ,
	BPF_JNE, BPF_JSET,
};

/* Any test at all of a number, or of a copy of it. */
void fz_guard(struct gen *g, u8 reg, struct label *out)
{
	u8 class = chance(g, 55) ? J64 : J32, other = fz_pick(g);
	u8 op = tests[below(g, ARRAY_SIZE(tests))];

	switch (below(g, 5)) {
	case 0:
		fz_emit(g, chance(g, 50) ? 0xbf : 0xbc, other, reg, 0, 0);
		if (chance(g, 40))
			fz_emit(g, chance(g, 50) ? 0x07 : 0x04, other, 0, 0, fz_imm(g));
		reg = other;
		break;
	case 1:
		if (other == reg)
			break;
		if (chance(g, 60))
			fz_source(g, other);
		else
			fz_emit(g, chance(g, 50) ? 0xb7 : 0xb4, other, 0, 0, fz_imm(g));
		if (g->nums >> reg & 1)
			fz_jump_to(g, out, op | X | class, reg, other, 0);
		return;
	}
	fz_jump_to(g, out, op | class, reg, 0, fz_imm(g));
}

/* Samples where the bounds are met. */
static void put_extremes(struct gen *g, u8 reg, u64 lo, u64 hi)
{
	u32 i, n = 0;

	for (i = 0; i < NS && n < 4; i++)
		if (!g->at[i])
			g->val[i][reg] = n++ & 1 ? lo : hi;
	for (i = 0; i < NS && n < 2; i++) {
		g->at[i] = 0;
		g->val[i][reg] = n++ & 1 ? lo : hi;
	}
}

static void clamp_by_test(struct gen *g, u8 reg, u32 most, struct label *out)
{
	u8 class = chance(g, 60) ? J64 : J32;
	struct label in;

	if (class == J32 && !chance(g, 10))
		fz_emit(g, 0xbc, reg, reg, 0, 0);
	switch (below(g, 4)) {
	case 0:
		fz_jump_to(g, out, BPF_JGT | class, reg, 0, most);
		break;
	case 1:
		fz_jump_to(g, out, BPF_JGE | class, reg, 0, most + 1);
		break;
	case 2:
		fz_jump_to(g, out, BPF_JSGT | class, reg, 0, most);
		if (!chance(g, 5))
			fz_jump_to(g, out, BPF_JSLT | class, reg, 0, 0);
		break;
	default:
		fz_label(g, &in);
		fz_jump_to(g, &in, BPF_JLE | class, reg, 0, most);
		fz_jump_to(g, out, 0x05, 0, 0, 0);
		fz_place(g, &in);
	}
	put_extremes(g, reg, 0, most);
}

static void clamp_by_copy(struct gen *g, u8 reg, u32 most, struct label *out)
{
	u32 slot = below(g, SPILLS);
	u8 other = fz_pick(g);
	s32 c = chance(g, 40) ? fz_in(&g->r, -64, 64) : 0;

	switch (below(g, 3)) {
	case 0:
		if (other == reg)
			break;
		fz_emit(g, chance(g, 15) ? 0xbc : 0xbf, other, reg, 0, 0);
		clamp_by_test(g, other, most, out);
		break;
	case 1:
		fz_spill(g, reg, slot, 0, 8);
		clamp_by_test(g, reg, most, out);
		fz_fill(g, reg, slot, 0, chance(g, 80) ? 8 : 4);
		break;
	default:
		if (other == reg)
			break;
		fz_emit(g, 0xbf, other, reg, 0, 0);
		fz_emit(g, chance(g, 80) ? 0x07 : 0x04, other, 0, 0, c);
		fz_jump_to(g, out, BPF_JGT | J64, other, 0, most);
		fz_emit(g, 0xbf, reg, other, 0, 0);
		if (chance(g, 50))
			fz_emit(g, 0x07, reg, 0, 0, 0);
	}
	put_extremes(g, reg, 0, most);
}

static void clamp_by_alu(struct gen *g, u8 reg, u32 most)
{
	u32 bits = 32 - __builtin_clz(most | 1);

	switch (below(g, 3)) {
	case 0:
		fz_emit(g, chance(g, 60) ? 0x57 : 0x54, reg, 0, 0, most);
		break;
	case 1:
		fz_emit(g, chance(g, 60) ? 0x97 : 0x94, reg, 0, 0, most + 1);
		break;
	default:
		fz_emit(g, 0x77, reg, 0, 0, 64 - bits + 1);
	}
}

/* The number is in [0, @most] from here on, or the jump to @out is taken. */
void fz_clamp(struct gen *g, u8 reg, u32 most, struct label *out)
{
	switch (below(g, 4)) {
	case 0:
		clamp_by_alu(g, reg, most);
		break;
	case 1:
		clamp_by_copy(g, reg, most, out);
		break;
	default:
		clamp_by_test(g, reg, most, out);
	}
}

#define FAR 0x100000000LL

void fz_bounds(const struct gen *g, u8 reg, s64 *lo, s64 *hi)
{
	u32 i;

	*lo = FAR;
	*hi = -FAR;
	for (i = 0; i < NS; i++) {
		if (g->at[i])
			continue;
		*lo = min_t(s64, *lo, g->val[i][reg]);
		*hi = max_t(s64, *hi, g->val[i][reg]);
	}
	*lo = max_t(s64, *lo, -FAR);
	*hi = min_t(s64, *hi, FAR);
}

/* Just inside, mostly; one off; seldom far inside. */
s32 fz_slip(struct gen *g)
{
	u32 n = below(g, 100);

	if (n < 3)
		return 1;
	return n < 75 ? 0 : -(s32)below(g, 8);
}

void fz_touch(struct gen *g, u8 ptr, s16 off, u32 size, bool may_store)
{
	static const s32 atomics[] = { 0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1 };
	u32 i, log = __builtin_ctz(size), kind = below(g, may_store ? 10 : 5);
	u8 reg = fz_pick(g);

	if (kind < 5 || reg == ptr) {
		if (reg == ptr)
			return;
		fz_emit(g, kind == 4 ? ldsx_codes[log] : ldx_codes[log], reg, ptr, off, 0);
		sample(g, reg, size);
		return;
	}
	for (i = 0; i < 10 && !is_number(g, reg); i++)
		reg = (reg + 1) % 10;
	if (kind == 5 && size >= 4 && is_number(g, reg) && !(g->busy >> reg & 1)) {
		fz_emit(g, size == 8 ? 0xdb : 0xc3, ptr, reg, off,
			atomics[below(g, ARRAY_SIZE(atomics))]);
		sample(g, reg, size);
	} else if (kind < 8 && is_number(g, reg)) {
		fz_emit(g, stx_codes[log], ptr, reg, off, 0);
	} else {
		fz_emit(g, st_codes[log], ptr, 0, off, fz_imm(g));
	}
}

/* Mutation. */
static void mutate_one(struct bpf_insn *insn, struct fz_rng *r)
{
	switch (fz_below(r, 9)) {
	case 0:
		insn->code ^= 1u << fz_below(r, 8);
		break;
	case 1:
		insn->code = (insn->code & 0x0f) | fz_below(r, 16) << 4;
		break;
	case 2:
		insn->dst_reg = fz_below(r, 11);
		break;
	case 3:
		insn->src_reg = fz_below(r, 11);
		break;
	case 4:
		insn->off += fz_in(r, -2, 2);
		break;
	case 5:
		insn->imm += fz_in(r, -1, 1);
		break;
	case 6:
		insn->imm = fz_rand(r) >> fz_below(r, 32);
		break;
	case 7:
		insn->code ^= 0x03;	/* the other width */
		break;
	default:
		insn->off = fz_in(r, -16, 16);
	}
}

void fz_mutate(struct fz_prog *p, u64 seed, u32 n)
{
	struct fz_rng r = { seed };

	while (n-- && p->cnt)
		mutate_one(&p->insn[fz_below(&r, p->cnt)], &r);
}

void fz_show(const struct fz_prog *p)
{
	char buf[KPS_DISASM_LEN];
	u32 pc = 0;

	printf("-- type %s\n", p->type == KAPSEL_PROG_KPROBE ? "kprobe" : "netfilter");
	while (pc < p->cnt) {
		u32 at = pc;

		pc += kps_disasm(p->insn, p->cnt, pc, buf);
		printf("%s\t\t; %u\n", buf, at);
	}
}
