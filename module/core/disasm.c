// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the text of an instruction */

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/disasm.h"
#include "core/insn.h"
#include "core/proto.h"

/*
 * Text in the making. No template nor name is long enough to fill it, and
 * scnprintf() would cut, not overrun.
 */
struct text {
	const struct bpf_insn *insn;
	u32 pc;
	char *buf;
	u32 len;
};

#define put(text, ...)							\
	((text)->len += scnprintf((text)->buf + (text)->len,		\
				  KPS_DISASM_LEN - (text)->len, __VA_ARGS__))

static void put_helper(struct text *text)
{
	const struct kps_helper *helper = kps_helper_find(text->insn->imm);

	if (helper)
		put(text, "bpf_%s", helper->name);
	put(text, "#%u", (u32)text->insn->imm);
}

/* A target before the program is no slot: it is written as a distance. */
static void put_target(struct text *text, s32 off)
{
	s64 target = (s64)text->pc + 1 + off;

	put(text, "%lld", target < 0 ? (long long)off : (long long)target);
}

static void put_function(struct text *text)
{
	put(text, "@%lld", (long long)text->pc + 1 + text->insn->imm);
}

static void put_offset(struct text *text)
{
	s32 off = text->insn->off;

	put(text, off < 0 ? " - %d" : " + %d", off < 0 ? -off : off);
}

static void put_lddw(struct text *text)
{
	const struct bpf_insn *insn = text->insn;
	u64 number = (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;

	switch (insn->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		put(text, "map[fd:%d]", insn->imm);
		break;
	case BPF_PSEUDO_MAP_VALUE:
		put(text, "map[fd:%d] + %u", insn->imm, (u32)insn[1].imm);
		break;
	case BPF_PSEUDO_FUNC:
		put(text, "func ");
		put_function(text);
		break;
	default:
		put(text, "0x%llx ll", (unsigned long long)number);
	}
}

static void put_field(struct text *text, char field)
{
	const struct bpf_insn *insn = text->insn;

	switch (field) {
	case 'd':
		put(text, "r%u", insn->dst_reg);
		break;
	case 'w':
		put(text, "w%u", insn->dst_reg);
		break;
	case 's':
		put(text, "r%u", insn->src_reg);
		break;
	case 'x':
		put(text, "w%u", insn->src_reg);
		break;
	case 'i':
		put(text, "%d", insn->imm);
		break;
	case 'X':
		put(text, "0x%x", (u32)insn->imm);
		break;
	case '%':
		put(text, "%%");
		break;
	}
}

static void put_compound(struct text *text, char field)
{
	switch (field) {
	case 'o':
		put_offset(text);
		break;
	case 'j':
	case 'J':
		put_target(text, kps_insn_jump(text->insn));
		break;
	case 'h':
		put_helper(text);
		break;
	case 'p':
		put_function(text);
		break;
	case 'm':
		put_lddw(text);
		break;
	default:
		put_field(text, field);
	}
}

static void put_template(struct text *text, const char *tmpl)
{
	for (; *tmpl; tmpl++) {
		if (*tmpl == '%')
			put_compound(text, *++tmpl);
		else
			put(text, "%c", *tmpl);
	}
}

u32 kps_disasm(const struct bpf_insn *insns, u32 cnt, u32 pc, char *buf)
{
	struct text text = { .insn = &insns[pc], .pc = pc, .buf = buf };
	u64 detail, raw;

	buf[0] = 0;
	if (kps_insn_check(insns, cnt, pc, &detail)) {
		memcpy(&raw, text.insn, sizeof(raw));
		put(&text, ".8byte 0x%llx", (unsigned long long)raw);
		return 1;
	}
	put_template(&text, kps_op_find(text.insn)->tmpl);
	return kps_insn_slots(text.insn);
}
