// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - the types of one map, apart from the rest of an object's: what
 * the kernel keeps for those who print the map
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_copy.h"

/**
 * struct copy - types on their way
 * @from: the object's
 * @to: the map's
 * @ids: id in @from -> id in @to, 0: not copied
 * @queue: ids in @from of the types in @to, by their id there (from 1)
 * @count: how many
 */
struct copy {
	const struct btf *from;
	struct btf *to;
	u32 *ids;
	u32 *queue;
	u32 count;
};

static u32 want(struct copy *copy, u32 id)
{
	if (!id || copy->ids[id])
		return copy->ids[id];
	copy->ids[id] = ++copy->count;
	copy->queue[copy->count] = id;
	return copy->count;
}

static void patch_members(struct copy *copy, struct btf_type *type)
{
	struct btf_member *member = btf_members(type);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++)
		member[i].type = want(copy, member[i].type);
}

/* What a pointer points to is not printed, so it stays behind. */
static void patch(struct copy *copy, struct btf_type *type)
{
	if (btf_is_composite(type)) {
		patch_members(copy, type);
	} else if (btf_is_array(type)) {
		btf_array(type)->type = want(copy, btf_array(type)->type);
		btf_array(type)->index_type = want(copy, btf_array(type)->index_type);
	} else if (btf_is_ptr(type)) {
		type->type = 0;
	} else if (btf_is_mod(type) || btf_is_typedef(type)) {
		type->type = want(copy, type->type);
	}
}

static bool can_copy(const struct btf_type *type)
{
	return !btf_is_func_proto(type) && !btf_is_func(type) && !btf_is_var(type) &&
	       !btf_is_datasec(type);
}

static int add_one(struct copy *copy, u32 index)
{
	const struct btf_type *type = btf__type_by_id(copy->from, copy->queue[index]);
	int id;

	if (can_copy(type))
		id = btf__add_type(copy->to, copy->from, type);
	else
		id = btf__add_int(copy->to, "int", 4, 0);
	if (id != (int)index)
		return id < 0 ? id : -EINVAL;
	/* libbpf gives out what it owns as const; here it is ours alone. */
	patch(copy, (struct btf_type *)btf__type_by_id(copy->to, id));
	return 0;
}

static int add_wanted(struct copy *copy, u32 *done)
{
	int ret = 0;

	while (*done < copy->count && !ret)
		ret = add_one(copy, ++*done);
	return ret;
}

/* A data section's value: a struct with the variables as members. */
static int add_section(struct copy *copy, const struct kapsel_object *obj,
		       const struct kapsel_map *map)
{
	u32 members[256], offs[256], names[256], n = 0, i, done = 0;
	int ret;

	for (i = 0; i < obj->nr_symbols && n < ARRAY_SIZE(members); i++) {
		const struct kl_symbol *sym = &obj->symbols[i];
		s32 var;

		if (sym->section != map->section || sym->type != STT_OBJECT)
			continue;
		var = btf__find_by_name_kind(copy->from, sym->name, BTF_KIND_VAR);
		if (var <= 0)
			continue;
		members[n] = want(copy, btf__type_by_id(copy->from, var)->type);
		names[n] = i;
		offs[n++] = sym->value;
	}
	ret = add_wanted(copy, &done);
	if (ret)
		return ret;
	ret = btf__add_struct(copy->to, map->name, map->value_size);
	for (i = 0; i < n && ret >= 0; i++)
		if (btf__add_field(copy->to, obj->symbols[names[i]].name, members[i],
				   offs[i] * 8, 0))
			return -EINVAL;
	return ret;
}

static int copy_types(struct copy *copy, const struct kapsel_object *obj,
		      const struct kapsel_map *map, struct kl_map_btf *out)
{
	u32 done = 0;
	int ret;

	if (map->section) {
		ret = add_section(copy, obj, map);
		if (ret > 0)
			out->value = ret;
		return min(ret, 0);
	}
	out->key = want(copy, map->key_type);
	out->value = want(copy, map->value_type);
	return add_wanted(copy, &done);
}

int kl_btf_for_map(const struct kapsel_object *obj, const struct kapsel_map *map,
		   struct kl_map_btf *out)
{
	struct copy copy = { .from = obj->btf };
	u32 count;
	int ret = -ENOMEM;

	memset(out, 0, sizeof(*out));
	if (!obj->btf)
		return 0;
	count = btf__type_cnt(obj->btf);
	copy.to = btf__new_empty();
	copy.ids = calloc(count + 1, sizeof(*copy.ids));
	copy.queue = calloc(count + 2, sizeof(*copy.queue));
	if (copy.to && copy.ids && copy.queue)
		ret = copy_types(&copy, obj, map, out);
	free(copy.ids);
	free(copy.queue);
	if (ret || (!out->key && !out->value)) {
		btf__free(copy.to);
		return ret;
	}
	out->btf = copy.to;
	out->data = btf__raw_data(copy.to, &out->size);
	return out->data ? 0 : -ENOMEM;
}
