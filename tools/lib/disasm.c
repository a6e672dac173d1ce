// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - the text of an instruction, with the names that the object knows */

#include <stdio.h>

#include <linux/kernel.h>

#include "core/disasm.h"
#include "core/insn.h"
#include "internal.h"

static const char *map_name(const struct kapsel_prog *prog, u32 index)
{
	const struct kapsel_map *map = prog->obj ? kapsel_map_at(prog->obj, index) : NULL;

	if (map)
		return map->name;
	return prog->map_names && index < prog->nr_maps ? prog->map_names[index] : NULL;
}

static bool by_name(const struct kapsel_prog *prog, const struct bpf_insn *insn,
		    u32 slot, char *buf, size_t size)
{
	const char *map = NULL;
	const struct kapsel_func *func;
	u32 callee = slot + insn->imm + 1;

	if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		map = map_name(prog, insn->imm);
	if (map && insn->src_reg == BPF_PSEUDO_MAP_FD) {
		snprintf(buf, size, "r%u = map[%s]", insn->dst_reg, map);
		return true;
	}
	if (map) {
		snprintf(buf, size, "r%u = map[%s] + %u", insn->dst_reg, map,
			 insn[1].imm);
		return true;
	}
	func = insn->src_reg == BPF_PSEUDO_FUNC ? kapsel_func_of(prog, callee) : NULL;
	if (func)
		snprintf(buf, size, "r%u = function %s", insn->dst_reg, func->name);
	return func;
}

u32 kapsel_disasm(const struct kapsel_prog *prog, u32 slot, char *buf, size_t size)
{
	const struct bpf_insn *insn = &prog->insns[slot];
	const struct kapsel_func *func;
	char text[KPS_DISASM_LEN];
	u32 slots;

	if (kps_insn_slots(insn) == 2 && slot + 1 < prog->insn_cnt &&
	    by_name(prog, insn, slot, buf, size))
		return 2;
	slots = kps_disasm(prog->insns, prog->insn_cnt, slot, text);
	func = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL ?
	       kapsel_func_of(prog, slot + insn->imm + 1) : NULL;
	if (func)
		snprintf(buf, size, "call %s", func->name);
	else
		snprintf(buf, size, "%s", text);
	return slots;
}
