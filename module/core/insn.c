// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - decoding: RFC 9669 as a table with one row for each instruction */

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "core/diag.h"
#include "core/insn.h"
#include "core/rows.h"

/* What a row says of a field; SEL(n): the field has value n and selects. */
enum {
	FIELD_ZERO,
	FIELD_GET,
	FIELD_SET,
	FIELD_MOD,
	FIELD_PSEUDO,
	FIELD_ANY,
	FIELD_SHIFT32,
	FIELD_SHIFT64,
	FIELD_SELECTS,
};

#define FIELD_SEL(value)	(FIELD_SELECTS + (value))

struct rules {
	u16 dst;
	u16 src;
	u16 off;
	u16 imm;
};

#define KPS_OPCODE_ALSO KPS_OPCODE

static const struct kps_op rows[] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, _version, _tmpl) \
	{ .kind = KPS_OP_##_kind, .code = _code, .version = _version,		\
	  .name = #_name, .tmpl = _tmpl },
#include "core/opcodes.tbl"
#undef KPS_OPCODE
};

static const struct rules row_rules[] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, _version, _tmpl) \
	{ .dst = FIELD_##_dst, .src = FIELD_##_src, .off = FIELD_##_off,	\
	  .imm = FIELD_##_imm },
#include "core/opcodes.tbl"
#undef KPS_OPCODE
};

#undef KPS_OPCODE_ALSO

/* Opcode -> its first row, plus one; 0: no such opcode. */
static const u8 first_row[256] = {
#define KPS_OPCODE(_name, _kind, _code, ...)	\
	[_code] = KPS_ROW_##_name + 1,
#define KPS_OPCODE_ALSO(...)
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static_assert(KPS_NR_ROWS < 255);

/* Opcode -> other fields tell its rows apart. */
static const bool has_rows[256] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, ...)		\
	[_code] = FIELD_##_src >= FIELD_SELECTS || FIELD_##_off >= FIELD_SELECTS || \
		  FIELD_##_imm >= FIELD_SELECTS,
#define KPS_OPCODE_ALSO(...)
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static bool selects(u16 rule, s32 value)
{
	return rule < FIELD_SELECTS || value == rule - FIELD_SELECTS;
}

static bool row_is(const struct rules *rules, const struct bpf_insn *insn)
{
	return selects(rules->src, insn->src_reg) &&
	       selects(rules->off, insn->off) && selects(rules->imm, insn->imm);
}

u32 kps_op_row(const struct kps_op *op)
{
	return op - rows;
}

static const struct rules *rules_of(const struct kps_op *op)
{
	return &row_rules[kps_op_row(op)];
}

const struct kps_op *kps_op_find(const struct bpf_insn *insn)
{
	u32 i = first_row[insn->code];

	if (!i)
		return NULL;
	if (!has_rows[insn->code])
		return &rows[i - 1];
	for (i--; i < KPS_NR_ROWS && rows[i].code == insn->code; i++)
		if (row_is(&row_rules[i], insn))
			return &rows[i];
	return NULL;
}

static u32 no_such_row(const struct bpf_insn *insn, u64 *detail)
{
	u32 mode = BPF_MODE(insn->code);

	*detail = insn->code;
	if (BPF_CLASS(insn->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND))
		return KPS_D_LEGACY_PACKET;
	return KPS_D_OPCODE;
}

static u32 check_reg(u16 rule, u32 reg, u64 *detail)
{
	*detail = reg;
	switch (rule) {
	case FIELD_ZERO:
		return reg ? KPS_D_RESERVED : 0;
	case FIELD_GET:
		return reg < KPS_NR_REGS ? 0 : KPS_D_REGISTER;
	case FIELD_SET:
	case FIELD_MOD:
		return reg < BPF_REG_10 ? 0 : KPS_D_REGISTER;
	default:
		return 0;
	}
}

static u32 check_number(u16 rule, s32 value, u64 *detail)
{
	*detail = value;
	return rule == FIELD_ZERO && value ? KPS_D_RESERVED : 0;
}

static u32 check_lddw(const struct bpf_insn *insn, u32 slots_left, u64 *detail)
{
	const struct bpf_insn *next = insn + 1;

	*detail = slots_left;
	if (slots_left < 2)
		return KPS_D_LDDW;
	*detail = next->code;
	if (next->code || next->dst_reg || next->src_reg || next->off)
		return KPS_D_LDDW;
	switch (insn->src_reg) {
	case 0:
	case BPF_PSEUDO_MAP_VALUE:
		return 0;
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_FUNC:
		*detail = next->imm;
		return next->imm ? KPS_D_RESERVED : 0;
	}
	*detail = insn->src_reg;
	return KPS_D_PSEUDO;
}

/**
 * struct limits - what makes an instruction well-formed at a glance
 * @dst: dst is a register below this; 0: look closer
 * @src: src is one below this
 * @off: bits that off may not have
 * @imm: bits that imm may not have
 */
struct limits {
	u8 dst;
	u8 src;
	u16 off;
	u32 imm;
};

#define REGS_TO(field)	((field) == FIELD_GET ? 11 : (field) == FIELD_ZERO ? 1 : 10)
#define OFF_BITS(field)	((field) == FIELD_ANY ? 0 : 0xffff)
#define IMM_BITS(field)	((field) == FIELD_ANY || (field) == FIELD_SHIFT32 ||	\
			 (field) == FIELD_SHIFT64 ? 0 : 0xffffffff)
/* The first row of an opcode that off selects has 0 there. */
#define SELECTS(_src, _off, _imm)						\
	((_src) >= FIELD_PSEUDO || (_off) > FIELD_SEL(0) || (_imm) >= FIELD_SELECTS)

static const struct limits limits_of[256] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, ...)		\
	[_code] = {								\
		.dst = SELECTS(FIELD_##_src, FIELD_##_off, FIELD_##_imm) ? 0 :	\
		       REGS_TO(FIELD_##_dst),					\
		.src = REGS_TO(FIELD_##_src),					\
		.off = OFF_BITS(FIELD_##_off),					\
		.imm = IMM_BITS(FIELD_##_imm),					\
	},
#define KPS_OPCODE_ALSO(...)
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static bool is_plain(const struct bpf_insn *insn)
{
	const struct limits *l = &limits_of[insn->code];
	/* Differences are negative if both registers are below their limits. */
	s32 regs = (insn->dst_reg - l->dst) & (insn->src_reg - l->src);

	return regs < 0 && !(((u16)insn->off & l->off) | ((u32)insn->imm & l->imm));
}

static noinline u32 check_closely(const struct bpf_insn *insn, u32 slots_left, u64 *detail)
{
	const struct kps_op *op = kps_op_find(insn);
	const struct rules *rules;
	u32 code;

	if (!op)
		return no_such_row(insn, detail);
	rules = rules_of(op);
	code = check_reg(rules->dst, insn->dst_reg, detail);
	if (!code)
		code = check_reg(rules->src, insn->src_reg, detail);
	if (!code)
		code = check_number(rules->off, insn->off, detail);
	if (!code)
		code = check_number(rules->imm, insn->imm, detail);
	if (!code && op->kind == KPS_OP_LDDW)
		code = check_lddw(insn, slots_left, detail);
	return code;
}

u32 kps_insn_check(const struct bpf_insn *insns, u32 cnt, u32 pc, u64 *detail)
{
	return is_plain(&insns[pc]) ? 0 : check_closely(&insns[pc], cnt - pc, detail);
}

u32 kps_insn_next_special(const struct bpf_insn *insns, u32 pc, u32 cnt)
{
	const u32 special = BIT(BPF_LD) | BIT(BPF_JMP) | BIT(BPF_JMP32);

	while (pc < cnt && is_plain(&insns[pc]) && !(special >> BPF_CLASS(insns[pc].code) & 1))
		pc++;
	return pc;
}

#define USES(field)	((field) == FIELD_GET || (field) == FIELD_MOD)
#define DEFS(field)	((field) == FIELD_SET || (field) == FIELD_MOD)
#define VARIES(kind)	((kind) == KPS_OP_CALL || (kind) == KPS_OP_CALL_LOCAL || \
			 (kind) == KPS_OP_EXIT || (kind) == KPS_OP_ATOMIC)

const u8 kps_insn_uses[256] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, ...)			\
	[_code] = VARIES(KPS_OP_##_kind) ? KPS_VARY_REGS :			\
		  USES(FIELD_##_dst) * KPS_USE_DST |				\
		  DEFS(FIELD_##_dst) * KPS_DEF_DST |				\
		  USES(FIELD_##_src) * KPS_USE_SRC,
#define KPS_OPCODE_ALSO(...)
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

const u8 kps_shift_bits[256] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, ...)		\
	[_code] = FIELD_##_imm == FIELD_SHIFT64 ? 63 :				\
		  FIELD_##_imm == FIELD_SHIFT32 ? 31 : 0,
#define KPS_OPCODE_ALSO(...)
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static void add_reg(struct kps_regset *set, u16 rule, u32 reg)
{
	set->use |= USES(rule) << reg;
	set->def |= DEFS(rule) << reg;
}

struct kps_regset kps_insn_varying_regs(const struct bpf_insn *insn)
{
	const struct kps_op *op = kps_op_find(insn);
	struct kps_regset set = {};

	if (!op)
		return set;
	switch (op->kind) {
	case KPS_OP_CALL:
	case KPS_OP_CALL_LOCAL:
		return (struct kps_regset){ .use = 0x3e, .def = 0x3f };
	case KPS_OP_EXIT:
		return (struct kps_regset){ .use = 1 };
	}
	add_reg(&set, rules_of(op)->dst, insn->dst_reg);
	add_reg(&set, rules_of(op)->src, insn->src_reg);
	if (op->kind == KPS_OP_ATOMIC && insn->imm == BPF_CMPXCHG)
		add_reg(&set, FIELD_MOD, BPF_REG_0);
	return set;
}

s32 kps_insn_jump(const struct bpf_insn *insn)
{
	bool by_imm = insn->code == (BPF_JMP32 | BPF_JA) ||
		      insn->code == (BPF_JMP | BPF_CALL);

	return by_imm ? insn->imm : insn->off;
}
