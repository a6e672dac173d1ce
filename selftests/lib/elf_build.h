/* SPDX-License-Identifier: GPL-2.0-only */
/* ELF objects for BPF put together in memory, for the loader's tests */
#ifndef ELF_BUILD_H
#define ELF_BUILD_H

#include <elf.h>
#include <linux/types.h>

#define ELF_BUILD_MAX 32

/** struct elf_image - bytes, growing */
struct elf_image {
	char *data;
	size_t size;
};

/**
 * struct elf_build - an object in the making
 * @image: header and contents so far; after elf_build_finish() all of it
 * @sections: headers; 0 is the empty one
 * @symbols: 0 is the empty one
 * @names: strings of sections and symbols alike
 */
struct elf_build {
	struct elf_image image;
	struct elf_image names;
	Elf64_Shdr sections[ELF_BUILD_MAX];
	u32 nr_sections;
	Elf64_Sym symbols[ELF_BUILD_MAX];
	u32 nr_symbols;
};

/** elf_build_init - begin */
void elf_build_init(struct elf_build *eb);
/** elf_build_section - add a section; returns its index */
u32 elf_build_section(struct elf_build *eb, const char *name, u32 type, u64 flags,
		      const void *data, size_t size);
/** elf_build_symbol - add a symbol; returns its index */
u32 elf_build_symbol(struct elf_build *eb, const char *name, u32 section, u64 value,
		     u64 size, u8 type, u8 bind);
/** elf_build_relocs - add relocations of section @target */
void elf_build_relocs(struct elf_build *eb, u32 target, const Elf64_Rel *rels, u32 count);
/** elf_build_finish - write tables and header */
void elf_build_finish(struct elf_build *eb);
/** elf_build_header - of the finished object */
Elf64_Ehdr *elf_build_header(struct elf_build *eb);
/** elf_build_free - release it */
void elf_build_free(struct elf_build *eb);

#endif
