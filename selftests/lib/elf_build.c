// SPDX-License-Identifier: GPL-2.0-only
/* ELF objects for BPF put together in memory, for the loader's tests */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "lib/elf_build.h"

static size_t append(struct elf_image *image, const void *data, size_t size)
{
	size_t at = ALIGN(image->size, 8);

	image->data = realloc(image->data, at + size + 1);
	if (!image->data)
		abort();
	memset(image->data + image->size, 0, at - image->size);
	memcpy(image->data + at, data, size);
	image->size = at + size;
	return at;
}

static u32 add_name(struct elf_build *eb, const char *name)
{
	return append(&eb->names, name, strlen(name) + 1);
}

void elf_build_init(struct elf_build *eb)
{
	Elf64_Ehdr ehdr = {};

	memset(eb, 0, sizeof(*eb));
	append(&eb->image, &ehdr, sizeof(ehdr));
	add_name(eb, "");
	eb->nr_sections = 1;
	eb->nr_symbols = 1;
}

u32 elf_build_section(struct elf_build *eb, const char *name, u32 type, u64 flags,
		      const void *data, size_t size)
{
	Elf64_Shdr *sh = &eb->sections[eb->nr_sections];

	sh->sh_name = add_name(eb, name);
	sh->sh_type = type;
	sh->sh_flags = flags;
	sh->sh_addralign = 8;
	sh->sh_offset = append(&eb->image, data, size);
	sh->sh_size = size;
	return eb->nr_sections++;
}

u32 elf_build_symbol(struct elf_build *eb, const char *name, u32 section, u64 value,
		     u64 size, u8 type, u8 bind)
{
	Elf64_Sym *sym = &eb->symbols[eb->nr_symbols];

	sym->st_name = add_name(eb, name);
	sym->st_shndx = section;
	sym->st_value = value;
	sym->st_size = size;
	sym->st_info = ELF64_ST_INFO(bind, type);
	return eb->nr_symbols++;
}

void elf_build_relocs(struct elf_build *eb, u32 target, const Elf64_Rel *rels, u32 count)
{
	u32 index = elf_build_section(eb, ".rel", SHT_REL, 0, rels, count * sizeof(*rels));

	eb->sections[index].sh_info = target;
	eb->sections[index].sh_entsize = sizeof(*rels);
}

Elf64_Ehdr *elf_build_header(struct elf_build *eb)
{
	return (Elf64_Ehdr *)eb->image.data;
}

void elf_build_finish(struct elf_build *eb)
{
	u32 symtab, strtab, i;
	Elf64_Ehdr *ehdr;
	size_t at;

	symtab = elf_build_section(eb, ".symtab", SHT_SYMTAB, 0, eb->symbols,
				   eb->nr_symbols * sizeof(eb->symbols[0]));
	/* The last section names itself, so its name goes in before its contents. */
	strtab = elf_build_section(eb, ".strtab", SHT_STRTAB, 0, "", 0);
	eb->sections[strtab].sh_offset = append(&eb->image, eb->names.data, eb->names.size);
	eb->sections[strtab].sh_size = eb->names.size;
	eb->sections[symtab].sh_link = strtab;
	eb->sections[symtab].sh_entsize = sizeof(eb->symbols[0]);
	for (i = 1; i < eb->nr_sections; i++)
		if (eb->sections[i].sh_type == SHT_REL)
			eb->sections[i].sh_link = symtab;
	at = append(&eb->image, eb->sections, eb->nr_sections * sizeof(eb->sections[0]));
	ehdr = elf_build_header(eb);
	memcpy(ehdr->e_ident, ELFMAG, SELFMAG);
	ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	ehdr->e_type = ET_REL;
	ehdr->e_machine = EM_BPF;
	ehdr->e_version = EV_CURRENT;
	ehdr->e_ehsize = sizeof(*ehdr);
	ehdr->e_shoff = at;
	ehdr->e_shentsize = sizeof(Elf64_Shdr);
	ehdr->e_shnum = eb->nr_sections;
	ehdr->e_shstrndx = strtab;
}

void elf_build_free(struct elf_build *eb)
{
	free(eb->image.data);
	free(eb->names.data);
	memset(eb, 0, sizeof(*eb));
}
