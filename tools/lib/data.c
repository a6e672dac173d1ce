// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - global variables: .rodata, .data and .bss become maps */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "object.h"

/* As much as fits in a pointer's range in the verifier. */
#define MAX_DATA (64u << 20)

static bool is_read_only(const struct kl_section *sec)
{
	return !strncmp(sec->name, ".rodata", 7);
}

static int add_data_map(struct kapsel_object *obj, u32 index, struct kapsel_error *err)
{
	const struct kl_section *sec = &obj->sections[index];
	struct kapsel_map *map;

	if (sec->size > MAX_DATA)
		return kl_fail(err, -E2BIG, "%s: section %s has %zu bytes, at most %u fit",
			       obj->path, sec->name, sec->size, MAX_DATA);
	if (strlen(sec->name) >= KAPSEL_NAME_LEN)
		return kl_fail(err, -ENAMETOOLONG, "%s: section name '%s' is too long",
			       obj->path, sec->name);
	map = kl_grow(&obj->maps, obj->nr_maps, sizeof(*map));
	if (!map)
		return kl_nomem(err);
	obj->nr_maps++;
	map->name = sec->name;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = 4;
	map->value_size = sec->size;
	map->max_entries = 1;
	map->frozen = is_read_only(sec);
	map->flags = map->frozen ? BPF_F_RDONLY_PROG : BPF_F_MMAPABLE;
	map->section = index;
	map->fd = -1;
	map->data = calloc(1, sec->size);
	if (!map->data)
		return kl_nomem(err);
	if (sec->data)
		memcpy(map->data, sec->data, sec->size);
	return 0;
}

int kl_data_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i;
	int ret = 0;

	for (i = 1; i < obj->nr_sections && !ret; i++)
		if (kl_section_is_data(&obj->sections[i]) && obj->sections[i].size)
			ret = add_data_map(obj, i, err);
	return ret;
}

static struct kapsel_map *map_of_section(struct kapsel_object *obj, u32 section)
{
	u32 i;

	for (i = 0; i < obj->nr_maps; i++)
		if (obj->maps[i].section == section)
			return &obj->maps[i];
	return NULL;
}

static const struct kl_symbol *find_variable(const struct kapsel_object *obj,
					     const char *name)
{
	u32 i;

	for (i = 0; i < obj->nr_symbols; i++) {
		const struct kl_symbol *sym = &obj->symbols[i];

		if (sym->type == STT_OBJECT && sym->section &&
		    sym->section < obj->nr_sections &&
		    kl_section_is_data(&obj->sections[sym->section]) &&
		    !strcmp(sym->name, name))
			return sym;
	}
	return NULL;
}

static int no_variable(const struct kapsel_object *obj, const char *name,
		       struct kapsel_error *err)
{
	const char *best = NULL;
	u32 i, least = 4;

	for (i = 0; i < obj->nr_symbols; i++) {
		u32 edits = kapsel_edits(obj->symbols[i].name, name);

		if (edits < least && find_variable(obj, obj->symbols[i].name)) {
			least = edits;
			best = obj->symbols[i].name;
		}
	}
	kl_fail(err, -ENOENT, "%s: no global variable '%s'", obj->path, name);
	return best ? kl_hint(err, "did you mean '%s'?", best) : -ENOENT;
}

int kapsel_set_global(struct kapsel_object *obj, const char *name,
		      const char *value, struct kapsel_error *err)
{
	const struct kl_symbol *sym = find_variable(obj, name);
	struct kapsel_map *map;
	s32 id;

	if (!sym)
		return no_variable(obj, name, err);
	map = map_of_section(obj, sym->section);
	id = obj->btf ? btf__find_by_name_kind(obj->btf, name, BTF_KIND_VAR) : 0;
	if (id <= 0)
		return kl_fail(err, -ENOENT, "%s: the type of '%s' is not known", obj->path,
			       name);
	if (!map || sym->value > map->value_size ||
	    sym->size > map->value_size - sym->value)
		return kl_fail(err, -ENOEXEC, "%s: variable '%s' is outside its section",
			       obj->path, name);
	return kapsel_btf_parse(obj->btf, btf__type_by_id(obj->btf, id)->type, value,
				(char *)map->data + sym->value, sym->size, err);
}
