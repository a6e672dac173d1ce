// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - locks in the values of maps, found by their types as Linux finds them */

#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "object.h"

/**
 * struct found - locks of a value
 * @count: how many there are at its top level
 * @off: where the last one is
 * @bad: one is where none can be
 */
struct found {
	u32 count;
	u32 off;
	bool bad;
};

/* By its name and size, without qualifiers, whatever is in it. */
static bool is_lock(const struct btf *btf, u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	return type && btf_is_struct(type) && type->size == sizeof(struct bpf_spin_lock) &&
	       !strcmp(btf__name_by_offset(btf, type->name_off), "bpf_spin_lock");
}

static void note(struct found *found, u64 off, u32 value_size)
{
	u32 size = sizeof(struct bpf_spin_lock);

	found->count++;
	found->off = off;
	found->bad |= off % size || off + size > value_size;
}

static void look_into_struct(const struct btf *btf, const struct kapsel_map *map,
			     struct found *found)
{
	u32 i, id = map->value_type;
	const struct btf_type *type = id ? kl_btf_real(btf, &id) : NULL;

	if (!type || !btf_is_struct(type))
		return;
	for (i = 0; i < btf_vlen(type); i++) {
		u32 bit = btf_member_bit_offset(type, i);

		if (is_lock(btf, btf_members(type)[i].type))
			note(found, bit % 8 ? 1 : bit / 8, map->value_size);
	}
}

/* Of a section the variables are the members. */
static void look_into_section(const struct kapsel_object *obj, const struct kapsel_map *map,
			      struct found *found)
{
	u32 i;

	for (i = 0; i < obj->nr_symbols; i++) {
		const struct kl_symbol *sym = &obj->symbols[i];
		s32 var;

		if (sym->section != map->section || sym->type != STT_OBJECT)
			continue;
		var = btf__find_by_name_kind(obj->btf, sym->name, BTF_KIND_VAR);
		if (var > 0 && is_lock(obj->btf, btf__type_by_id(obj->btf, var)->type))
			note(found, sym->value, map->value_size);
	}
}

static bool may_have_locks(const struct kapsel_map *map)
{
	return (map->type == BPF_MAP_TYPE_HASH || map->type == BPF_MAP_TYPE_ARRAY ||
		map->type == BPF_MAP_TYPE_CGROUP_STORAGE) &&
	       !(map->flags & BPF_F_RDONLY_PROG);
}

/*
 * Where there are two, or one that is misplaced, there is none: what would take it is
 * refused, and what does not may be loaded.
 */
void kl_locks_find(struct kapsel_object *obj)
{
	u32 i;

	for (i = 0; i < obj->nr_maps && obj->btf; i++) {
		struct kapsel_map *map = &obj->maps[i];
		struct found found = { .count = 0 };

		if (!may_have_locks(map))
			continue;
		if (map->section)
			look_into_section(obj, map, &found);
		else
			look_into_struct(obj->btf, map, &found);
		if (found.count != 1 || found.bad)
			continue;
		map->lock_size = sizeof(struct bpf_spin_lock);
		map->lock_off = found.off;
	}
}
