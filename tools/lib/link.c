// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - linking: a program is its main function and behind it all that
 * it calls, calls and references patched
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/insn.h"
#include "object.h"

/* Of all programs of an object; far more than any has. */
#define MAX_LINKED (16u << 20)

/**
 * struct linker - a program being put together
 * @obj: where from
 * @prog: the program
 * @parts: function behind each of prog->funcs
 * @err: why not
 */
struct linker {
	struct kapsel_object *obj;
	struct kapsel_prog *prog;
	const struct kl_func **parts;
	struct kapsel_error *err;
};

static const struct kl_section *section_of(const struct linker *lk,
					   const struct kl_func *func)
{
	return &lk->obj->sections[func->section];
}

static int append_insns(struct linker *lk, const struct kl_func *func)
{
	const struct bpf_insn *from = section_of(lk, func)->data;
	struct kapsel_prog *prog = lk->prog;
	u32 count = func->end - func->start;
	struct bpf_insn *insns;

	/* A function is copied into each program that calls it. */
	if (count > MAX_LINKED - lk->obj->nr_linked)
		return kl_fail(lk->err, -E2BIG, "%s: its programs have more than %u instructions between them",
			       lk->obj->path, MAX_LINKED);
	if (count > KAPSEL_MAX_INSNS - prog->insn_cnt)
		return kl_fail(lk->err, -E2BIG, "%s: program '%s' has more than %u instructions",
			       lk->obj->path, prog->name, KAPSEL_MAX_INSNS);
	insns = realloc(prog->insns, ((size_t)prog->insn_cnt + count) * sizeof(*insns));
	if (!insns)
		return kl_nomem(lk->err);
	prog->insns = insns;
	memcpy(insns + prog->insn_cnt, from + func->start, count * sizeof(*insns));
	prog->insn_cnt += count;
	lk->obj->nr_linked += count;
	return 0;
}

static int append_lines(struct linker *lk, const struct kl_func *func, u32 at)
{
	const struct kl_section *sec = section_of(lk, func);
	struct kapsel_prog *prog = lk->prog;
	u32 i;

	for (i = 0; i < sec->nr_lines; i++) {
		const struct kapsel_line *from = &sec->lines[i];
		struct kapsel_line *to;

		if (from->insn < func->start || from->insn >= func->end)
			continue;
		to = kl_grow(&prog->lines, prog->nr_lines, sizeof(*to));
		if (!to)
			return kl_nomem(lk->err);
		prog->nr_lines++;
		*to = *from;
		to->insn = from->insn - func->start + at;
	}
	return 0;
}

static int append(struct linker *lk, const struct kl_func *func)
{
	struct kapsel_prog *prog = lk->prog;
	u32 at = prog->insn_cnt;
	const struct kl_func **part;
	struct kapsel_func *to;
	int ret;

	part = kl_grow(&lk->parts, prog->nr_funcs, sizeof(*part));
	to = part ? kl_grow(&prog->funcs, prog->nr_funcs, sizeof(*to)) : NULL;
	if (!to)
		return kl_nomem(lk->err);
	*part = func;
	prog->nr_funcs++;
	ret = append_insns(lk, func);
	ret = ret ?: append_lines(lk, func, at);
	if (ret)
		return ret;
	to->name = func->name;
	to->start = at;
	to->end = prog->insn_cnt;
	return kl_core_apply(lk->obj, func, prog, at, lk->err);
}

/* Where a function is in the program; it is appended the first time. */
static int place_of(struct linker *lk, const struct kl_func *func, u32 *at)
{
	u32 i;

	for (i = 0; i < lk->prog->nr_funcs; i++) {
		if (lk->parts[i] == func) {
			*at = lk->prog->funcs[i].start;
			return 0;
		}
	}
	*at = lk->prog->insn_cnt;
	return append(lk, func);
}

/* An instruction being patched: in its section and in the program. */
struct place {
	const struct kl_func *func;
	u32 in_section;
	u32 in_prog;
};

static const struct kl_symbol *symbol_at(const struct linker *lk,
					 const struct place *here)
{
	const struct kl_reloc *reloc =
		&section_of(lk, here->func)->relocs[here->in_section];

	return reloc->symbol == KL_NO_SYMBOL ? NULL : &lk->obj->symbols[reloc->symbol];
}

static int bad_reference(struct linker *lk, const struct place *here,
			 const char *what, const char *name)
{
	return kl_fail(lk->err, -ENOEXEC, "%s: function '%s': instruction %u %s '%s'",
		       lk->obj->path, here->func->name,
		       here->in_section - here->func->start, what, name);
}

static int patch_call(struct linker *lk, const struct place *here)
{
	const struct kl_symbol *sym = symbol_at(lk, here);
	s64 target = (s64)lk->prog->insns[here->in_prog].imm + 1;
	u32 section = here->func->section, at = 0;
	const struct kl_func *func;
	int ret;

	if (sym && (!sym->section || sym->section >= lk->obj->nr_sections))
		return bad_reference(lk, here, "calls an undefined function:", sym->name);
	if (sym) {
		section = sym->section;
		target += sym->value / sizeof(struct bpf_insn);
	} else {
		target += here->in_section;
	}
	func = target >= 0 && target <= U32_MAX ?
	       kl_func_at(lk->obj, section, target) : NULL;
	if (!func)
		return bad_reference(lk, here, "calls into the middle of section",
				     lk->obj->sections[section].name);
	ret = place_of(lk, func, &at);
	lk->prog->insns[here->in_prog].imm = (s64)at - here->in_prog - 1;
	return ret;
}

static int patch_callback(struct linker *lk, const struct place *here,
			  const struct kl_symbol *sym)
{
	struct bpf_insn *insn = &lk->prog->insns[here->in_prog];
	u64 byte = sym->value + (u32)insn->imm;
	const struct kl_func *func = NULL;
	u32 at = 0;
	int ret;

	if (byte % sizeof(*insn) == 0 && byte / sizeof(*insn) <= U32_MAX)
		func = kl_func_at(lk->obj, sym->section, byte / sizeof(*insn));
	if (!func)
		return bad_reference(lk, here, "takes an address in the middle of section",
				     lk->obj->sections[sym->section].name);
	ret = place_of(lk, func, &at);
	insn = &lk->prog->insns[here->in_prog];
	insn->src_reg = BPF_PSEUDO_FUNC;
	insn->imm = (s64)at - here->in_prog - 1;
	insn[1].imm = 0;
	return ret;
}

static const char *section_name(const struct linker *lk, const struct kl_symbol *sym)
{
	return sym->section == KL_SECTION_KCONFIG ? ".kconfig" :
						    lk->obj->sections[sym->section].name;
}

/* A map is found by where its definition is, a data section by its index. */
static bool is_meant(const struct linker *lk, const struct kapsel_map *map,
		     const struct kl_symbol *sym, u64 off)
{
	if (map->section)
		return map->section == sym->section;
	return map->offset == off && !strcmp(map->definitions, section_name(lk, sym));
}

static s64 find_map(const struct linker *lk, const struct kl_symbol *sym, u64 off)
{
	u32 i;

	for (i = 0; i < lk->obj->nr_maps; i++)
		if (is_meant(lk, &lk->obj->maps[i], sym, off))
			return i;
	return -1;
}

static int patch_map(struct linker *lk, const struct place *here,
		     const struct kl_symbol *sym)
{
	struct bpf_insn *insn = &lk->prog->insns[here->in_prog];
	u64 off = sym->value + (s64)insn->imm;
	s64 map = find_map(lk, sym, off);

	if (map < 0)
		return bad_reference(lk, here, "refers to no map and no variable in",
				     section_name(lk, sym));
	insn->imm = map;
	if (!lk->obj->maps[map].section) {
		insn->src_reg = BPF_PSEUDO_MAP_FD;
		insn[1].imm = 0;
		return 0;
	}
	if (off >= lk->obj->maps[map].value_size)
		return bad_reference(lk, here, "refers to a place outside section",
				     section_name(lk, sym));
	insn->src_reg = BPF_PSEUDO_MAP_VALUE;
	insn[1].imm = off;
	return 0;
}

static int no_variable(struct linker *lk, const struct place *here,
		       const struct kl_symbol *sym)
{
	bad_reference(lk, here, "needs an undefined variable:", sym->name);
	return kl_hint(lk->err, "externs are known in .kconfig only, if there is BTF; __ksym is not supported");
}

static int patch_lddw(struct linker *lk, const struct place *here)
{
	const struct kl_symbol *sym = symbol_at(lk, here);

	if (!sym) {
		if (!lk->prog->insns[here->in_prog].src_reg)
			return 0;
		return bad_reference(lk, here, "refers to something unnamed in",
				     section_of(lk, here->func)->name);
	}
	if (sym->section == KL_SECTION_KCONFIG)
		return patch_map(lk, here, sym);
	if (!sym->section || sym->section >= lk->obj->nr_sections)
		return no_variable(lk, here, sym);
	if (kl_section_is_code(&lk->obj->sections[sym->section]))
		return patch_callback(lk, here, sym);
	return patch_map(lk, here, sym);
}

static bool is_local_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static int patch_insn(struct linker *lk, const struct place *here)
{
	const struct bpf_insn *insn = &lk->prog->insns[here->in_prog];
	const struct kl_symbol *sym;

	if (kps_insn_slots(insn) == 2) {
		if (here->in_section + 1 >= here->func->end)
			return bad_reference(lk, here, "is half a 64-bit load at the end of",
					     here->func->name);
		return patch_lddw(lk, here);
	}
	if (is_local_call(insn))
		return patch_call(lk, here);
	sym = symbol_at(lk, here);
	if (sym)
		return bad_reference(lk, here, "can't be relocated against", sym->name);
	return 0;
}

static int patch_func(struct linker *lk, u32 index)
{
	struct place here = { .func = lk->parts[index] };
	u32 at = lk->prog->funcs[index].start, end = lk->prog->funcs[index].end;
	int ret;

	while (at < end) {
		here.in_prog = at;
		here.in_section = here.func->start + at - lk->prog->funcs[index].start;
		at += kps_insn_slots(&lk->prog->insns[at]);
		ret = patch_insn(lk, &here);
		if (ret)
			return ret;
	}
	return 0;
}

static int note_map(struct linker *lk, u32 map)
{
	struct kapsel_prog *prog = lk->prog;
	u32 i, *to;

	for (i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i] == map)
			return 0;
	to = kl_grow(&prog->maps, prog->nr_maps, sizeof(*to));
	if (!to)
		return kl_nomem(lk->err);
	prog->nr_maps++;
	*to = map;
	return 0;
}

static int note_maps(struct linker *lk)
{
	const struct kapsel_prog *prog = lk->prog;
	u32 i;
	int ret = 0;

	for (i = 0; i < prog->insn_cnt && !ret; i += kps_insn_slots(&prog->insns[i])) {
		const struct bpf_insn *insn = &prog->insns[i];

		if (kps_insn_slots(insn) == 2 && (insn->src_reg == BPF_PSEUDO_MAP_FD ||
						  insn->src_reg == BPF_PSEUDO_MAP_VALUE))
			ret = note_map(lk, insn->imm);
	}
	return ret;
}

int kl_link(struct kapsel_object *obj, struct kapsel_prog *prog,
	    const struct kl_func *main, struct kapsel_error *err)
{
	struct linker lk = { .obj = obj, .prog = prog, .err = err };
	u32 i;
	int ret = append(&lk, main);

	/* Patching a function appends those that it calls. */
	for (i = 0; i < prog->nr_funcs && !ret; i++)
		ret = patch_func(&lk, i);
	ret = ret ?: note_maps(&lk);
	free(lk.parts);
	return ret;
}
