// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - maps from definitions of the old form: SEC("maps") structs of numbers,
 * as libbpf took them before 1.0. Types are unknown, unless the object says them by
 * BPF_ANNOTATE_KV_PAIR()
 */

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "object.h"

/** struct definition - what such a struct begins with */
struct definition {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 flags;
};

static int bad(const struct kapsel_object *obj, const struct kl_symbol *sym, const char *what,
	       struct kapsel_error *err)
{
	return kl_fail(err, -ENOEXEC, "%s: map '%s': %s", obj->path, sym->name, what);
}

static bool all_zero(const char *data, size_t size)
{
	return !size || (!data[0] && !memcmp(data, data + 1, size - 1));
}

/* Flags may be left out; what stands behind them is other loaders', and none of ours. */
static int read_definition(const struct kapsel_object *obj, const struct kl_symbol *sym,
			   struct definition *def, struct kapsel_error *err)
{
	const struct kl_section *sec = &obj->sections[sym->section];
	const char *at;

	memset(def, 0, sizeof(*def));
	if (!sec->data || sym->value > sec->size || sym->size > sec->size - sym->value ||
	    sym->size < offsetof(struct definition, flags))
		return bad(obj, sym, "its definition is damaged", err);
	at = (const char *)sec->data + sym->value;
	memcpy(def, at, min_t(size_t, sym->size, sizeof(*def)));
	if (sym->size <= sizeof(*def) ||
	    all_zero(at + sizeof(*def), sym->size - sizeof(*def)))
		return 0;
	bad(obj, sym, "its definition has more than type, sizes, entries and flags", err);
	return kl_hint(err, "define it by SEC(\".maps\"): pinning and inner maps have names there");
}

/* struct ____btf_map_NAME { KEY key; VALUE value; } */
static void read_types(const struct btf *btf, struct kapsel_map *map)
{
	struct kapsel_field fields[2];
	char name[KAPSEL_NAME_LEN + 16];
	s32 id;

	snprintf(name, sizeof(name), "____btf_map_%s", map->name);
	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : 0;
	if (id <= 0 || kapsel_btf_fields(btf, id, fields, 2) != 2 ||
	    fields[0].size != map->key_size || fields[1].size != map->value_size)
		return;
	map->key_type = fields[0].type;
	map->value_type = fields[1].type;
}

static int add_map(struct kapsel_object *obj, const struct kl_symbol *sym,
		   struct kapsel_error *err)
{
	struct definition def;
	struct kapsel_map *map;
	int ret = read_definition(obj, sym, &def, err);

	if (ret)
		return ret;
	map = kl_map_add(obj, sym, err);
	if (!map)
		return strlen(sym->name) < KAPSEL_NAME_LEN ? -ENOMEM : -ENAMETOOLONG;
	map->type = def.type;
	map->key_size = def.key_size;
	map->value_size = def.value_size;
	map->max_entries = def.max_entries;
	map->flags = def.flags;
	read_types(obj->btf, map);
	return kl_map_check(obj, map, err);
}

int kl_legacy_maps_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	const struct kl_section *sec = kl_section_find(obj, "maps");
	u32 i;
	int ret = 0;

	obj->has_legacy_maps = sec;
	for (i = 0; sec && i < obj->nr_symbols && !ret; i++)
		if (obj->symbols[i].type == STT_OBJECT &&
		    &obj->sections[min(obj->symbols[i].section, obj->nr_sections)] == sec)
			ret = add_map(obj, &obj->symbols[i], err);
	return ret;
}

bool kapsel_has_legacy_maps(const struct kapsel_object *obj)
{
	return obj->has_legacy_maps;
}
