// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - what maps of programs and maps hold at first, by the relocations of .maps */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/proto.h"
#include "object.h"

#define POINTER 8

/** struct initial - an entry of .values being read */
struct initial {
	struct kapsel_map *map;
	u32 index;
	const struct kl_symbol *sym;
	u64 at;		/* in the symbol's section */
};

static struct kapsel_map *map_around(const struct kapsel_object *obj, u64 off)
{
	u32 i;

	for (i = 0; i < obj->nr_maps; i++)
		if (off >= obj->maps[i].values_from && off < obj->maps[i].values_to)
			return &obj->maps[i];
	return NULL;
}

static int bad_entry(const struct kapsel_object *obj, const struct initial *in,
		     const char *what, struct kapsel_error *err)
{
	return kl_fail(err, -ENOEXEC, "%s: map '%s': entry %u of its values is %s ('%s')",
		       obj->path, in->map->name, in->index, what, in->sym->name);
}

static int add_entry(struct kapsel_map *map, u32 index, u32 target, struct kapsel_error *err)
{
	struct kapsel_initial *to;

	to = kl_grow(&map->initial, map->nr_initial, sizeof(*to));
	if (!to)
		return kl_nomem(err);
	map->nr_initial++;
	to->index = index;
	to->target = target;
	return 0;
}

static s64 find_prog(const struct kapsel_object *obj, const struct kl_func *func)
{
	u32 i;

	for (i = 0; func && i < obj->nr_progs; i++)
		if (!strcmp(obj->progs[i].name, func->name))
			return i;
	return -1;
}

static int add_prog(const struct kapsel_object *obj, const struct initial *in,
		    struct kapsel_error *err)
{
	const struct kl_func *func = NULL;
	s64 prog;

	if (in->at % sizeof(struct bpf_insn) == 0)
		func = kl_func_at(obj, in->sym->section, in->at / sizeof(struct bpf_insn));
	prog = find_prog(obj, func);
	if (prog < 0)
		return bad_entry(obj, in, "no program that kapsel can load", err);
	return add_entry(in->map, in->index, prog, err);
}

static s64 find_map(const struct kapsel_object *obj, u64 at)
{
	u32 i;

	for (i = 0; i < obj->nr_maps; i++)
		if (!obj->maps[i].section && obj->maps[i].offset == at)
			return i;
	return -1;
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* As the kernel will see it, when they are put in. */
static bool is_like(const struct kapsel_map *a, const struct kapsel_map *b)
{
	return a->type == b->type && a->key_size == b->key_size &&
	       a->value_size == b->value_size && a->flags == b->flags &&
	       (a->max_entries == b->max_entries || !is_array(a->type));
}

static int add_map(const struct kapsel_object *obj, const struct initial *in,
		   const struct kl_section *maps, struct kapsel_error *err)
{
	bool here = &obj->sections[in->sym->section] == maps;
	s64 map = here ? find_map(obj, in->at) : -1;

	if (map < 0)
		return bad_entry(obj, in, "no map", err);
	if (!is_like(in->map->inner, &obj->maps[map]))
		return bad_entry(obj, in, "not like the map that its definition has", err);
	if (in->map->key_size != sizeof(u32))
		return bad_entry(obj, in, "beside a key that is no index", err);
	return add_entry(in->map, in->index, map, err);
}

static int read_entry(const struct kapsel_object *obj, const struct initial *in,
		      const struct kl_section *maps, struct kapsel_error *err)
{
	const struct kps_map_type *type = kps_map_type_find(in->map->type);

	if (in->index >= in->map->max_entries)
		return bad_entry(obj, in, "beyond max_entries", err);
	if (!in->sym->section || in->sym->section >= obj->nr_sections)
		return bad_entry(obj, in, "not defined", err);
	if (type->ops & KAPSEL_MAP_OP_PROGS)
		return add_prog(obj, in, err);
	if (type->ops & KAPSEL_MAP_OP_MAPS)
		return add_map(obj, in, maps, err);
	return bad_entry(obj, in, "not for a map of this type", err);
}

static int read_reloc(const struct kapsel_object *obj, const struct kl_section *maps,
		      const Elf64_Rel *rel, struct kapsel_error *err)
{
	u32 sym = ELF64_R_SYM(rel->r_info);
	struct initial in = { .map = map_around(obj, rel->r_offset) };
	u64 addend;

	if (!in.map || sym >= obj->nr_symbols || !maps->data || maps->size < POINTER ||
	    rel->r_offset > maps->size - POINTER ||
	    (rel->r_offset - in.map->values_from) % POINTER)
		return kl_fail(err, -ENOEXEC, "%s: section .maps: relocation at byte %llu is of no map's values",
			       obj->path, (unsigned long long)rel->r_offset);
	memcpy(&addend, (const char *)maps->data + rel->r_offset, sizeof(addend));
	in.index = (rel->r_offset - in.map->values_from) / POINTER;
	in.sym = &obj->symbols[sym];
	in.at = in.sym->value + addend;
	return read_entry(obj, &in, maps, err);
}

static int read_relocs(const struct kapsel_object *obj, const struct kl_section *maps,
		       const struct kl_section *sec, struct kapsel_error *err)
{
	u32 i, count = sec->size / sizeof(Elf64_Rel);
	Elf64_Rel rel;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		memcpy(&rel, (const char *)sec->data + i * sizeof(rel), sizeof(rel));
		ret = read_reloc(obj, maps, &rel, err);
	}
	return ret;
}

int kl_maps_fill(struct kapsel_object *obj, struct kapsel_error *err)
{
	const struct kl_section *maps = kl_section_find(obj, ".maps");
	u32 i;
	int ret = 0;

	for (i = 1; maps && i < obj->nr_sections && !ret; i++) {
		const struct kl_section *sec = &obj->sections[i];

		if (sec->type == SHT_REL && sec->info == maps - obj->sections && sec->data)
			ret = read_relocs(obj, maps, sec, err);
	}
	return ret;
}
