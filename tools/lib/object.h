/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - an ELF object being read: sections, symbols, relocations */
#ifndef KL_OBJECT_H
#define KL_OBJECT_H

#include <libelf.h>

#include "core_cand.h"
#include "internal.h"

#define KL_NO_SYMBOL 0xffffffffu
#define KL_SECTION_KCONFIG 0xffffffffu	/* of externs' symbols: in no file */

/** struct kl_reloc - a relocation of an instruction */
struct kl_reloc {
	u32 symbol;	/* KL_NO_SYMBOL: none */
	u32 type;
};

/**
 * struct kl_section - an ELF section
 * @name: never NULL
 * @type: SHT_*
 * @flags: SHF_*
 * @link: sh_link
 * @info: sh_info
 * @data: contents, NULL if there are none (SHT_NOBITS)
 * @size: bytes
 * @relocs: of a section with code: one for each slot, else NULL
 * @lines: of a section with code: by slot in the section, sorted
 * @nr_lines: how many
 * @core: of a section with code: CO-RE relocations, see btf_ext.h
 * @nr_core: how many
 * @core_size: of each, bytes
 */
struct kl_section {
	const char *name;
	u32 type;
	u64 flags;
	u32 link;
	u32 info;
	const void *data;
	size_t size;
	struct kl_reloc *relocs;
	struct kapsel_line *lines;
	u32 nr_lines;
	const char *core;
	u32 nr_core;
	u32 core_size;
};

/** struct kl_symbol - an ELF symbol */
struct kl_symbol {
	const char *name;
	u64 value;
	u64 size;
	u32 section;	/* SHN_UNDEF, SHN_ABS, SHN_COMMON or an index */
	u8 type;	/* STT_* */
	u8 bind;	/* STB_* */
};

/**
 * struct kl_func - a function symbol
 * @name: of it
 * @section: index
 * @start: first slot in the section
 * @end: one past its last slot
 * @global: may be a program's main function
 */
struct kl_func {
	const char *name;
	u32 section;
	u32 start;
	u32 end;
	bool global;
};

/** struct kapsel_object - see kapsel.h */
struct kapsel_object {
	char *path;
	void *image;
	size_t size;
	Elf *elf;
	struct kl_section *sections;
	u32 nr_sections;
	struct kl_symbol *symbols;
	u32 nr_symbols;
	struct kl_func *funcs;	/* sorted by section and start */
	u32 nr_funcs;
	struct btf *btf;
	struct kl_core_types kernel;	/* read on the first CO-RE relocation */
	char license[KAPSEL_LICENSE_LEN];
	struct kapsel_map *maps;
	u32 nr_maps;
	struct kapsel_prog *progs;
	u32 nr_progs;
	struct kapsel_left_out *left_out;
	u32 nr_left_out;
	u32 nr_linked;		/* instructions of all programs */
	bool has_legacy_maps;
};

/** kl_elf_read - sections, symbols, relocations and functions of obj->image */
int kl_elf_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_elf_free - release them */
void kl_elf_free(struct kapsel_object *obj);

/** kl_section_find - by name, or NULL */
struct kl_section *kl_section_find(const struct kapsel_object *obj,
				   const char *name);

/** kl_section_is_code - holds instructions */
bool kl_section_is_code(const struct kl_section *sec);

/** kl_section_is_data - becomes a map: .rodata, .data, .bss and their .kin */
bool kl_section_is_data(const struct kl_section *sec);

/** kl_func_at - the function that begins at slot @start of @section, or NULL */
struct kl_func *kl_func_at(const struct kapsel_object *obj, u32 section,
			   u32 start);

/** kl_btf_read - .BTF checked, and what .BTF.ext says of each section with code */
int kl_btf_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_maps_read - maps from the definitions in .maps */
int kl_maps_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_legacy_maps_read - maps from the definitions in section maps, if there is one */
int kl_legacy_maps_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_map_add - a map of a symbol's name, the rest still to be filled in, or NULL */
struct kapsel_map *kl_map_add(struct kapsel_object *obj, const struct kl_symbol *sym,
			      struct kapsel_error *err);

/** kl_map_check - says before the kernel does, and with more words, what can't be created */
int kl_map_check(const struct kapsel_object *obj, struct kapsel_map *map,
		 struct kapsel_error *err);

/** kl_data_read - maps from .rodata, .data and .bss */
int kl_data_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_locks_find - where the maps' values have their locks, if they have any */
void kl_locks_find(struct kapsel_object *obj);

/** kl_externs_read - a map from the externs of .kconfig, by the kernel's configuration */
int kl_externs_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_progs_read - programs found by section name, and linked */
int kl_progs_read(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_maps_fill - what maps of programs hold at first; after the programs */
int kl_maps_fill(struct kapsel_object *obj, struct kapsel_error *err);

/** kl_link - functions, relocations and lines of one program */
int kl_link(struct kapsel_object *obj, struct kapsel_prog *prog,
	    const struct kl_func *main, struct kapsel_error *err);

/**
 * kl_core_apply - CO-RE relocations of a function, against the running kernel
 * @obj: the object
 * @func: the function
 * @prog: what it was linked into
 * @at: its first instruction there
 * @err: filled on failure
 */
int kl_core_apply(struct kapsel_object *obj, const struct kl_func *func,
		  struct kapsel_prog *prog, u32 at, struct kapsel_error *err);

#endif
