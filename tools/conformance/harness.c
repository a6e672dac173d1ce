// SPDX-License-Identifier: GPL-2.0-only
/* A program that finds bare memory in r1, as one that kapsel loads */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/insn.h"
#include "harness.h"

__printf(2, 3)
static int refuse(struct kapsel_error *err, const char *fmt, ...)
{
	va_list args;

	*err = (struct kapsel_error){ .err = -EINVAL };
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

static bool refers_to_map(const struct bpf_insn *insn)
{
	return kps_insn_slots(insn) == 2 && (insn->src_reg == BPF_PSEUDO_MAP_FD ||
					     insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

/* Slots from the next one to where it leads; 0: nowhere else. */
static s32 leads_to(const struct bpf_insn *insn, const struct kps_op *op)
{
	if (op->kind == KPS_OP_LDDW)
		return insn->src_reg == BPF_PSEUDO_FUNC ? insn->imm : 0;
	if (op->kind != KPS_OP_JA && op->kind != KPS_OP_JCOND && op->kind != KPS_OP_CALL_LOCAL)
		return 0;
	return kps_insn_jump(insn);
}

/* The rest is left to the verifier. */
static int check_insn(const struct bpf_insn *insn, u32 pc, const struct cf_program *given,
		      struct kapsel_error *err)
{
	const struct kps_op *op = kps_op_find(insn);

	if (!op)
		return 0;
	if (op->version > given->version)
		return refuse(err, "instruction %u, %s, came with version %u of the instruction set",
			      pc, op->name, op->version);
	if (refers_to_map(insn))
		return refuse(err, "instruction %u refers to a map, and there is none", pc);
	if ((s64)pc + 1 + leads_to(insn, op) < 0)
		return refuse(err, "instruction %u leads out of the program", pc);
	return 0;
}

static int check(const struct bpf_insn *insns, u32 cnt, const struct cf_program *given,
		 struct kapsel_error *err)
{
	u32 pc;
	int ret = 0;

	for (pc = 0; pc < cnt && !ret; pc += kps_insn_slots(&insns[pc]))
		ret = check_insn(&insns[pc], pc, given, err);
	return ret;
}

/* r1 = the memory's address, or 0; r2 = its size */
static void fill_prologue(struct bpf_insn *insns, u32 size)
{
	insns[0] = (struct bpf_insn){ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1 };
	if (size)
		insns[0].src_reg = BPF_PSEUDO_MAP_VALUE;
	insns[1] = (struct bpf_insn){};
	insns[2] = (struct bpf_insn){
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = size,
	};
}

static struct kapsel_object *open_with(struct bpf_insn *insns, const struct cf_program *given,
				       struct kapsel_error *err)
{
	u32 cnt = given->code.size / sizeof(*insns);
	struct kapsel_raw raw = {
		.name = "conformance", .license = "GPL", .prog_type = KAPSEL_PROG_KPROBE,
		.insns = insns, .insn_cnt = CF_PROLOGUE + cnt,
		.data = given->memory.data, .data_size = given->memory.size,
	};

	memcpy(insns + CF_PROLOGUE, given->code.data, given->code.size);
	if (check(insns + CF_PROLOGUE, cnt, given, err))
		return NULL;
	fill_prologue(insns, given->memory.size);
	return kapsel_open_raw(&raw, err);
}

struct kapsel_object *cf_harness_open(const struct cf_program *given, struct kapsel_error *err)
{
	struct kapsel_object *obj;
	struct bpf_insn *insns;

	if (!given->code.size || given->code.size % sizeof(*insns)) {
		refuse(err, "a program has instructions of %zu bytes, not %zu bytes",
		       sizeof(*insns), given->code.size);
		return NULL;
	}
	insns = calloc(1, given->code.size + CF_PROLOGUE * sizeof(*insns));
	if (!insns) {
		refuse(err, "out of memory");
		return NULL;
	}
	obj = open_with(insns, given, err);
	free(insns);
	return obj;
}
