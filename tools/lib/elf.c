// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - ELF: sections, symbols, relocations, functions */

#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "object.h"

#ifndef R_BPF_64_64
#define R_BPF_64_64	1
#endif
#define R_BPF_64_32	10

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define OUR_ELF_DATA ELFDATA2LSB
#else
#define OUR_ELF_DATA ELFDATA2MSB
#endif

bool kl_section_is_code(const struct kl_section *sec)
{
	return sec->type == SHT_PROGBITS && (sec->flags & SHF_EXECINSTR) &&
	       sec->size;
}

static bool has_stem(const char *name, const char *stem)
{
	size_t len = strlen(stem);

	return !strncmp(name, stem, len) && (!name[len] || name[len] == '.');
}

bool kl_section_is_data(const struct kl_section *sec)
{
	if (!(sec->flags & SHF_ALLOC) || (sec->flags & SHF_EXECINSTR))
		return false;
	return has_stem(sec->name, ".rodata") || has_stem(sec->name, ".data") ||
	       has_stem(sec->name, ".bss");
}

struct kl_section *kl_section_find(const struct kapsel_object *obj,
				   const char *name)
{
	u32 i;

	for (i = 1; i < obj->nr_sections; i++)
		if (!strcmp(obj->sections[i].name, name))
			return &obj->sections[i];
	return NULL;
}

/* What kind of file is it, in the words of somebody who gave the wrong one. */
static int check_header(struct kapsel_object *obj, struct kapsel_error *err)
{
	GElf_Ehdr ehdr;

	if (obj->size < SELFMAG || memcmp(obj->image, ELFMAG, SELFMAG))
		return kl_fail(err, -ENOEXEC, "%s: not an ELF file", obj->path);
	obj->elf = elf_memory(obj->image, obj->size);
	if (!obj->elf || !gelf_getehdr(obj->elf, &ehdr))
		return kl_fail(err, -ENOEXEC, "%s: damaged ELF header: %s",
			       obj->path, elf_errmsg(-1));
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64)
		return kl_fail(err, -ENOEXEC, "%s: not a 64-bit ELF file", obj->path);
	if (ehdr.e_ident[EI_DATA] != OUR_ELF_DATA)
		return kl_fail(err, -ENOEXEC, "%s: made for machines of the other byte order",
			       obj->path);
	if (ehdr.e_machine != EM_BPF)
		return kl_fail(err, -ENOEXEC, "%s: an ELF file, but not for BPF (machine %u)",
			       obj->path, ehdr.e_machine);
	if (ehdr.e_type != ET_REL)
		return kl_fail(err, -ENOEXEC, "%s: not a relocatable object (type %u)",
			       obj->path, ehdr.e_type);
	return 0;
}

static int read_section(struct kapsel_object *obj, Elf_Scn *scn, size_t names,
			struct kl_section *sec, struct kapsel_error *err)
{
	GElf_Shdr shdr;
	Elf_Data *data;

	sec->name = "";
	if (!gelf_getshdr(scn, &shdr))
		return kl_fail(err, -ENOEXEC, "%s: damaged section header", obj->path);
	sec->name = elf_strptr(obj->elf, names, shdr.sh_name) ?: "";
	sec->type = shdr.sh_type;
	sec->flags = shdr.sh_flags;
	sec->link = shdr.sh_link;
	sec->info = shdr.sh_info;
	sec->size = shdr.sh_size;
	if (sec->type == SHT_NULL || sec->type == SHT_NOBITS)
		return 0;
	data = elf_getdata(scn, NULL);
	if (!data || data->d_size != shdr.sh_size || (data->d_size && !data->d_buf))
		return kl_fail(err, -ENOEXEC, "%s: section %s is cut off or damaged",
			       obj->path, sec->name);
	/* The image is our own copy. */
	if (sec->type == SHT_STRTAB)
		kl_make_plain(data->d_buf, data->d_size);
	sec->data = data->d_buf;
	return 0;
}

static int read_sections(struct kapsel_object *obj, struct kapsel_error *err)
{
	size_t count, names, i;
	int ret;

	if (elf_getshdrnum(obj->elf, &count) || elf_getshdrstrndx(obj->elf, &names))
		return kl_fail(err, -ENOEXEC, "%s: damaged section table", obj->path);
	obj->sections = calloc(count + 1, sizeof(*obj->sections));
	if (!obj->sections)
		return kl_nomem(err);
	obj->nr_sections = count;
	for (i = 0; i < count; i++) {
		ret = read_section(obj, elf_getscn(obj->elf, i), names,
				   &obj->sections[i], err);
		if (ret)
			return ret;
		if (kl_section_is_code(&obj->sections[i]) &&
		    obj->sections[i].size % sizeof(struct bpf_insn))
			return kl_fail(err, -ENOEXEC, "%s: section %s ends within an instruction",
				       obj->path, obj->sections[i].name);
	}
	return 0;
}

static int read_symbols_of(struct kapsel_object *obj, const struct kl_section *sec,
			   struct kapsel_error *err)
{
	u32 count = sec->size / sizeof(Elf64_Sym), i;

	obj->symbols = calloc(count + 1, sizeof(*obj->symbols));
	if (!obj->symbols)
		return kl_nomem(err);
	obj->nr_symbols = count;
	for (i = 0; i < count; i++) {
		struct kl_symbol *to = &obj->symbols[i];
		Elf64_Sym sym;

		memcpy(&sym, (const char *)sec->data + i * sizeof(sym), sizeof(sym));
		to->name = elf_strptr(obj->elf, sec->link, sym.st_name) ?: "";
		to->value = sym.st_value;
		to->size = sym.st_size;
		to->section = sym.st_shndx;
		to->type = ELF64_ST_TYPE(sym.st_info);
		to->bind = ELF64_ST_BIND(sym.st_info);
		if (to->section < SHN_LORESERVE && to->section >= obj->nr_sections)
			return kl_fail(err, -ENOEXEC, "%s: symbol '%s' is in section %u, which does not exist",
				       obj->path, to->name, to->section);
		/* Section symbols have no name of their own. */
		if (to->type == STT_SECTION && to->section < obj->nr_sections)
			to->name = obj->sections[to->section].name;
	}
	return 0;
}

static int read_symbols(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i;

	for (i = 1; i < obj->nr_sections; i++)
		if (obj->sections[i].type == SHT_SYMTAB)
			return read_symbols_of(obj, &obj->sections[i], err);
	return kl_fail(err, -ENOEXEC, "%s: no symbol table (was it stripped?)",
		       obj->path);
}

static int add_reloc(struct kapsel_object *obj, struct kl_section *target,
		     const Elf64_Rel *rel, struct kapsel_error *err)
{
	u32 type = ELF64_R_TYPE(rel->r_info), sym = ELF64_R_SYM(rel->r_info);
	struct kl_reloc *slot;

	if (type != R_BPF_64_64 && type != R_BPF_64_32)
		return kl_fail(err, -ENOEXEC, "%s: section %s: unknown relocation type %u at byte %llu",
			       obj->path, target->name, type,
			       (unsigned long long)rel->r_offset);
	if (sym >= obj->nr_symbols)
		return kl_fail(err, -ENOEXEC, "%s: section %s: relocation against symbol %u, which does not exist",
			       obj->path, target->name, sym);
	if (rel->r_offset >= target->size || rel->r_offset % sizeof(struct bpf_insn))
		return kl_fail(err, -ENOEXEC, "%s: section %s: relocation at byte %llu hits no instruction",
			       obj->path, target->name,
			       (unsigned long long)rel->r_offset);
	slot = &target->relocs[rel->r_offset / sizeof(struct bpf_insn)];
	if (slot->symbol != KL_NO_SYMBOL)
		return kl_fail(err, -ENOEXEC, "%s: section %s: two relocations at byte %llu",
			       obj->path, target->name,
			       (unsigned long long)rel->r_offset);
	slot->symbol = sym;
	slot->type = type;
	return 0;
}

static int read_relocs_of(struct kapsel_object *obj, const struct kl_section *sec,
			  struct kl_section *target, struct kapsel_error *err)
{
	u32 count = sec->size / sizeof(Elf64_Rel), i;
	Elf64_Rel rel;
	int ret;

	for (i = 0; i < count; i++) {
		memcpy(&rel, (const char *)sec->data + i * sizeof(rel), sizeof(rel));
		ret = add_reloc(obj, target, &rel, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int make_reloc_slots(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i, j, slots;

	for (i = 1; i < obj->nr_sections; i++) {
		struct kl_section *sec = &obj->sections[i];

		if (!kl_section_is_code(sec))
			continue;
		slots = sec->size / sizeof(struct bpf_insn);
		sec->relocs = calloc(slots, sizeof(*sec->relocs));
		if (!sec->relocs)
			return kl_nomem(err);
		for (j = 0; j < slots; j++)
			sec->relocs[j].symbol = KL_NO_SYMBOL;
	}
	return 0;
}

/* Relocations of debug sections and of .maps are of no interest. */
static int read_relocs(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i;
	int ret = make_reloc_slots(obj, err);

	for (i = 1; i < obj->nr_sections && !ret; i++) {
		const struct kl_section *sec = &obj->sections[i];
		struct kl_section *target;

		if (sec->type != SHT_REL || sec->info >= obj->nr_sections)
			continue;
		target = &obj->sections[sec->info];
		if (target->relocs)
			ret = read_relocs_of(obj, sec, target, err);
		else if (kl_section_is_data(target) && sec->size)
			ret = kl_fail(err, -EOPNOTSUPP, "%s: section %s holds addresses of other variables, which kapsel can't fill in",
				      obj->path, target->name);
	}
	return ret;
}

static int by_place(const void *a, const void *b)
{
	const struct kl_func *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_func(struct kapsel_object *obj, const struct kl_symbol *sym,
		    struct kapsel_error *err)
{
	const struct kl_section *sec = &obj->sections[sym->section];
	struct kl_func *func;

	if (!sym->size || sym->value > sec->size || sym->size > sec->size - sym->value ||
	    sym->value % sizeof(struct bpf_insn) || sym->size % sizeof(struct bpf_insn))
		return kl_fail(err, -ENOEXEC, "%s: function '%s' is not inside section %s",
			       obj->path, sym->name, sec->name);
	func = kl_grow(&obj->funcs, obj->nr_funcs, sizeof(*func));
	if (!func)
		return kl_nomem(err);
	obj->nr_funcs++;
	func->name = sym->name;
	func->section = sym->section;
	func->start = sym->value / sizeof(struct bpf_insn);
	func->end = func->start + sym->size / sizeof(struct bpf_insn);
	func->global = sym->bind != STB_LOCAL;
	return 0;
}

static int read_funcs(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i;
	int ret;

	for (i = 0; i < obj->nr_symbols; i++) {
		const struct kl_symbol *sym = &obj->symbols[i];

		if (sym->type != STT_FUNC || !sym->section ||
		    sym->section >= obj->nr_sections ||
		    !kl_section_is_code(&obj->sections[sym->section]))
			continue;
		ret = add_func(obj, sym, err);
		if (ret)
			return ret;
	}
	if (obj->nr_funcs)
		qsort(obj->funcs, obj->nr_funcs, sizeof(*obj->funcs), by_place);
	for (i = 1; i < obj->nr_funcs; i++)
		if (obj->funcs[i].section == obj->funcs[i - 1].section &&
		    obj->funcs[i].start < obj->funcs[i - 1].end)
			return kl_fail(err, -ENOEXEC, "%s: functions '%s' and '%s' overlap",
				       obj->path, obj->funcs[i - 1].name,
				       obj->funcs[i].name);
	return 0;
}

struct kl_func *kl_func_at(const struct kapsel_object *obj, u32 section, u32 start)
{
	struct kl_func key = { .section = section, .start = start };

	if (!obj->nr_funcs)
		return NULL;
	return bsearch(&key, obj->funcs, obj->nr_funcs, sizeof(key), by_place);
}

int kl_elf_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	int ret;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return kl_fail(err, -ENOTSUP, "libelf is too old");
	ret = check_header(obj, err);
	ret = ret ?: read_sections(obj, err);
	ret = ret ?: read_symbols(obj, err);
	ret = ret ?: read_relocs(obj, err);
	return ret ?: read_funcs(obj, err);
}

void kl_elf_free(struct kapsel_object *obj)
{
	u32 i;

	for (i = 0; i < obj->nr_sections; i++) {
		free(obj->sections[i].relocs);
		free(obj->sections[i].lines);
	}
	free(obj->sections);
	free(obj->symbols);
	free(obj->funcs);
	elf_end(obj->elf);
}
