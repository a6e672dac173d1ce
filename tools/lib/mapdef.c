// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - maps from their definitions in BTF */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "core/proto.h"
#include "object.h"

static const struct btf_type *skip_mods(const struct btf *btf, u32 id, u32 *real)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	int steps = 0;

	while (type && (btf_is_mod(type) || btf_is_typedef(type)) && ++steps < 32) {
		id = type->type;
		type = btf__type_by_id(btf, id);
	}
	if (real)
		*real = id;
	return type;
}

static int bad_member(const struct kapsel_object *obj, const struct kapsel_map *map,
		      const char *member, struct kapsel_error *err)
{
	return kl_fail(err, -ENOEXEC, "%s: map '%s': malformed definition of '%s'",
		       obj->path, map->name, member);
}

/* __uint(NAME, N) makes a pointer to an array of N elements. */
static int uint_of(const struct btf *btf, const struct btf_member *member, u32 *out)
{
	const struct btf_type *type = skip_mods(btf, member->type, NULL);

	type = type && btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	if (!type || !btf_is_array(type))
		return -EINVAL;
	*out = btf_array(type)->nelems;
	return 0;
}

/* __type(NAME, T) makes a pointer to a T. */
static int type_of(const struct btf *btf, const struct btf_member *member,
		   u32 *id, u32 *size)
{
	const struct btf_type *type = skip_mods(btf, member->type, NULL);
	s64 bytes;

	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	bytes = btf__resolve_size(btf, type->type);
	if (bytes <= 0 || bytes > INT_MAX)
		return -EINVAL;
	if (*size && *size != bytes)
		return -EINVAL;
	*id = type->type;
	*size = bytes;
	return 0;
}

static int size_of(const struct btf *btf, const struct btf_member *member, u32 *size)
{
	u32 was = *size;

	return uint_of(btf, member, size) ?: was && was != *size ? -EINVAL : 0;
}

static int refuse_pinning(const struct kapsel_object *obj, const struct btf_member *member,
			  struct kapsel_map *map, struct kapsel_error *err)
{
	u32 how = 0;

	if (uint_of(obj->btf, member, &how))
		return bad_member(obj, map, "pinning", err);
	if (!how)
		return 0;
	kl_fail(err, -EOPNOTSUPP, "%s: map '%s': LIBBPF_PIN_BY_NAME is not supported",
		obj->path, map->name);
	return kl_hint(err, "drop __uint(pinning, ...) and use `kapsel load --pin NAME`");
}

/* __array(values, T) makes an array of pointers to T, at the end, of any length. */
static int values_of(const struct btf_member *member, struct kapsel_map *map)
{
	if (member->offset % 8)
		return -EINVAL;
	map->values_from = map->offset + member->offset / 8;
	return map->values_from <= map->values_to ? 0 : -EINVAL;
}

static int read_members(const struct kapsel_object *obj, const struct btf_type *def,
			struct kapsel_map *map, struct kapsel_error *err);

/* Of a map of maps, T is another definition, which the type of this one follows from. */
static int inner_of(const struct kapsel_object *obj, const struct btf_member *member,
		    struct kapsel_map *map, struct kapsel_error *err)
{
	const struct btf *btf = obj->btf;
	const struct btf_type *type = skip_mods(btf, member->type, NULL);

	type = type && btf_is_array(type) ? skip_mods(btf, btf_array(type)->type, NULL) : NULL;
	type = type && btf_is_ptr(type) ? skip_mods(btf, type->type, NULL) : NULL;
	if (!type || !btf_is_struct(type))
		return 0;
	if (map->inner)
		return bad_member(obj, map, "values", err);
	map->inner = calloc(1, sizeof(*map->inner));
	if (!map->inner)
		return kl_nomem(err);
	map->inner->name = map->name;
	map->inner->is_inner = true;
	map->inner->fd = -1;
	return read_members(obj, type, map->inner, err);
}

static int read_member(const struct kapsel_object *obj, const struct btf_member *member,
		       struct kapsel_map *map, struct kapsel_error *err)
{
	const struct btf *btf = obj->btf;
	const char *name = btf__name_by_offset(btf, member->name_off);
	u32 ignored;
	int ret;

	if (!strcmp(name, "type"))
		ret = uint_of(btf, member, &map->type);
	else if (!strcmp(name, "max_entries"))
		ret = uint_of(btf, member, &map->max_entries);
	else if (!strcmp(name, "map_flags"))
		ret = uint_of(btf, member, &map->flags);
	else if (!strcmp(name, "map_extra"))
		ret = uint_of(btf, member, &map->extra);
	else if (!strcmp(name, "key_size"))
		ret = size_of(btf, member, &map->key_size);
	else if (!strcmp(name, "value_size"))
		ret = size_of(btf, member, &map->value_size);
	else if (!strcmp(name, "key"))
		ret = type_of(btf, member, &map->key_type, &map->key_size);
	else if (!strcmp(name, "value"))
		ret = type_of(btf, member, &map->value_type, &map->value_size);
	else if (!strcmp(name, "numa_node"))
		ret = uint_of(btf, member, &ignored);
	else if (!strcmp(name, "pinning"))
		return refuse_pinning(obj, member, map, err);
	else if (!strcmp(name, "values") && map->is_inner)
		return kl_fail(err, -EOPNOTSUPP, "%s: map '%s': maps in it hold no maps or programs",
			       obj->path, map->name);
	else if (!strcmp(name, "values"))
		return values_of(member, map) ? bad_member(obj, map, name, err) :
						inner_of(obj, member, map, err);
	else
		return kl_fail(err, -EOPNOTSUPP, "%s: map '%s': '%s' in its definition is not supported",
			       obj->path, map->name, name);
	return ret ? bad_member(obj, map, name, err) : 0;
}

static int read_members(const struct kapsel_object *obj, const struct btf_type *def,
			struct kapsel_map *map, struct kapsel_error *err)
{
	const struct btf_member *member = btf_members(def);
	u32 i;
	int ret = 0;

	for (i = 0; i < btf_vlen(def) && !ret; i++)
		ret = read_member(obj, &member[i], map, err);
	return ret;
}

static int refuse_type(const struct kapsel_object *obj, const struct kapsel_map *map,
		       struct kapsel_error *err)
{
	char name[32], known[200] = "";
	u32 i;

	if (!map->type)
		return kl_fail(err, -ENOEXEC, "%s: map '%s' has no type", obj->path,
			       map->name);
	for (i = 0; i < kps_nr_map_types; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			 i ? ", " : "", kps_map_types[i].name);
	kl_fail(err, -EOPNOTSUPP, "%s: map '%s': map type %s (%u) is not available in kapsel",
		obj->path, map->name,
		kapsel_map_type_name(map->type, name, sizeof(name)), map->type);
	return kl_hint(err, "map types here: %s", known);
}

static int bad_shape(const struct kapsel_object *obj, const struct kapsel_map *map,
		     const char *what, struct kapsel_error *err)
{
	return kl_fail(err, -EINVAL, "%s: map '%s': %s", obj->path, map->name, what);
}

/*
 * Programs say nothing of its records, and leave the number of CPUs to whoever
 * loads them.
 */
static int check_perf(const struct kapsel_object *obj, struct kapsel_map *map,
		      struct kapsel_error *err)
{
	if ((map->key_size && map->key_size != 4) || (map->value_size && map->value_size != 4))
		return bad_shape(obj, map, "a perf event array's key and value are 4 bytes wide",
				 err);
	if (!map->max_entries)
		map->max_entries = sysconf(_SC_NPROCESSORS_CONF);
	map->key_size = 4;
	map->value_size = 4;
	map->key_type = 0;
	map->value_type = kapsel_event_type(obj->btf, map->name);
	return 0;
}

/* __type(value, struct event) says what the records are, and no more. */
static int check_ringbuf(const struct kapsel_object *obj, struct kapsel_map *map,
			 struct kapsel_error *err)
{
	if (map->key_size || (map->value_size && !map->value_type))
		return bad_shape(obj, map, "a ring buffer has neither keys nor values", err);
	map->value_size = 0;
	if (!map->value_type)
		map->value_type = kapsel_event_type(obj->btf, map->name);
	return 0;
}

static int check_stacks(const struct kapsel_object *obj, const struct kapsel_map *map,
			struct kapsel_error *err)
{
	if (map->key_size != 4)
		return bad_shape(obj, map, "a stack trace map's key is 4 bytes wide", err);
	if (map->value_size % 8 || !map->value_size || map->value_size > 127 * 8)
		return bad_shape(obj, map, "a stack trace map's value is 1 to 127 addresses of 8 bytes",
				 err);
	return 0;
}

/* One value for each direction or for both: nobody says how many. */
static int check_storage(const struct kapsel_object *obj, const struct kapsel_map *map,
			 struct kapsel_error *err)
{
	if (map->max_entries)
		return bad_shape(obj, map, "a cgroup storage has no max_entries", err);
	if (map->key_size != sizeof(struct bpf_cgroup_storage_key) &&
	    map->key_size != sizeof(u64))
		return bad_shape(obj, map, "a cgroup storage's key is struct bpf_cgroup_storage_key or a u64",
				 err);
	if (!map->value_size)
		return bad_shape(obj, map, "the value's type or size is missing", err);
	return 0;
}

static int check_keyless(const struct kapsel_object *obj, const struct kapsel_map *map,
			 struct kapsel_error *err)
{
	if (map->key_size)
		return bad_shape(obj, map, "values of this type have no keys", err);
	if (!map->value_size)
		return bad_shape(obj, map, "the value's type or size is missing", err);
	if (map->type == BPF_MAP_TYPE_BLOOM_FILTER && map->extra > 15)
		return bad_shape(obj, map, "map_extra: a bloom filter has at most 15 hashes", err);
	return 0;
}

static int check_trie(const struct kapsel_object *obj, const struct kapsel_map *map,
		      struct kapsel_error *err)
{
	if (map->key_size < 5 || map->key_size > 4 + 256)
		return bad_shape(obj, map, "an LPM trie's key is a u32, the prefix's length in bits, and 1 to 256 bytes",
				 err);
	if (!(map->flags & BPF_F_NO_PREALLOC))
		return kl_hint((bad_shape(obj, map, "an LPM trie needs the flag BPF_F_NO_PREALLOC",
					  err), err),
			       "__uint(map_flags, BPF_F_NO_PREALLOC), as Linux wants it");
	return 0;
}

static int check_elements(const struct kapsel_object *obj, const struct kapsel_map *map,
			  struct kapsel_error *err)
{
	bool array = map->type == BPF_MAP_TYPE_ARRAY ||
		     map->type == BPF_MAP_TYPE_CGROUP_ARRAY ||
		     map->type == BPF_MAP_TYPE_PROG_ARRAY ||
		     map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
		     map->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	if (array && map->key_size != 4)
		return bad_shape(obj, map, "an array's key is 4 bytes wide", err);
	if (!map->key_size)
		return bad_shape(obj, map, "the key's type or size is missing", err);
	if (!map->value_size)
		return bad_shape(obj, map, "the value's type or size is missing", err);
	return map->type == BPF_MAP_TYPE_LPM_TRIE ? check_trie(obj, map, err) : 0;
}

static int refuse_flags(const struct kapsel_object *obj, const struct kapsel_map *map,
			const struct kps_map_type *type, struct kapsel_error *err)
{
	u32 flags = map->flags & ~type->flags;

	kl_fail(err, -EINVAL, "%s: map '%s': flags %#x are not available for map type %s",
		obj->path, map->name, flags, type->name);
	if (flags & BPF_F_NUMA_NODE)
		return kl_hint(err, "BPF_F_NUMA_NODE: memory comes from where the loader's policy says, as in `numactl --membind`");
	if (flags & BPF_F_STACK_BUILD_ID && type->ops & KAPSEL_MAP_OP_STACK)
		return kl_hint(err, "BPF_F_STACK_BUILD_ID: stacks are addresses here");
	return -EINVAL;
}

/* Says before the kernel does, and with more words, what can't be created. */
static int check_shape(const struct kapsel_object *obj, struct kapsel_map *map,
		       struct kapsel_error *err)
{
	const struct kps_map_type *type = kps_map_type_find(map->type);

	if (!type)
		return refuse_type(obj, map, err);
	if (map->extra && map->type != BPF_MAP_TYPE_BLOOM_FILTER)
		return bad_shape(obj, map, "map_extra is for bloom filters", err);
	if (type->ops & KAPSEL_MAP_OP_PERF)
		return check_perf(obj, map, err);
	if (!map->max_entries && !(type->ops & KAPSEL_MAP_OP_LOCAL))
		return bad_shape(obj, map, "max_entries is missing or 0", err);
	if (map->flags & ~type->flags)
		return refuse_flags(obj, map, type, err);
	if (type->ops & KAPSEL_MAP_OP_LOCAL)
		return check_storage(obj, map, err);
	if (type->ops & (KAPSEL_MAP_OP_RINGBUF | KAPSEL_MAP_OP_DRAIN))
		return check_ringbuf(obj, map, err);
	if (type->ops & KAPSEL_MAP_OP_STACK)
		return check_stacks(obj, map, err);
	if (type->ops & KAPSEL_MAP_OP_PUSH)
		return check_keyless(obj, map, err);
	if (type->ops & (KAPSEL_MAP_OP_PROGS | KAPSEL_MAP_OP_MAPS)) {
		/* What programs call its values, if anything, is no number. */
		map->value_size = map->value_size ?: 4;
		map->value_type = 0;
	}
	return check_elements(obj, map, err);
}

static int check_inner(const struct kapsel_object *obj, struct kapsel_map *map,
		       struct kapsel_error *err)
{
	const struct kps_map_type *type = kps_map_type_find(map->type);
	const struct kps_map_type *inner = map->inner ? kps_map_type_find(map->inner->type) : NULL;

	if (!(type->ops & KAPSEL_MAP_OP_MAPS)) {
		free(map->inner);
		map->inner = NULL;
		return 0;
	}
	if (!map->inner)
		return bad_shape(obj, map, "__array(values, struct { ... }) that says what the maps in it are like is missing",
				 err);
	if (inner && inner->ops & (KAPSEL_MAP_OP_MAPS | KAPSEL_MAP_OP_PROGS))
		return bad_shape(obj, map, "maps in it hold no maps or programs", err);
	if (inner && inner->ops & KAPSEL_MAP_OP_LOCAL)
		return bad_shape(obj, map, "a cgroup storage is in no map", err);
	return check_shape(obj, map->inner, err);
}

static const struct btf_type *find_definition(const struct kapsel_object *obj,
					      const char *name)
{
	s32 id = btf__find_by_name_kind(obj->btf, name, BTF_KIND_VAR);
	const struct btf_type *type;

	if (id <= 0)
		return NULL;
	type = skip_mods(obj->btf, btf__type_by_id(obj->btf, id)->type, NULL);
	return type && btf_is_struct(type) ? type : NULL;
}

int kl_map_check(const struct kapsel_object *obj, struct kapsel_map *map,
		 struct kapsel_error *err)
{
	return check_shape(obj, map, err);
}

struct kapsel_map *kl_map_add(struct kapsel_object *obj, const struct kl_symbol *sym,
			      struct kapsel_error *err)
{
	struct kapsel_map *map;

	if (strlen(sym->name) >= KAPSEL_NAME_LEN) {
		kl_fail(err, -ENAMETOOLONG, "%s: map '%s': the name is longer than %d characters",
			obj->path, sym->name, KAPSEL_NAME_LEN - 1);
		return NULL;
	}
	map = kl_grow(&obj->maps, obj->nr_maps, sizeof(*map));
	if (!map) {
		kl_nomem(err);
		return NULL;
	}
	obj->nr_maps++;
	map->name = sym->name;
	map->offset = sym->value;
	map->definitions = obj->sections[sym->section].name;
	map->fd = -1;
	return map;
}

static int add_map(struct kapsel_object *obj, const struct kl_symbol *sym,
		   struct kapsel_error *err)
{
	const struct btf_type *type = find_definition(obj, sym->name);
	struct kapsel_map *map;
	int ret;

	if (!type)
		return kl_fail(err, -ENOEXEC, "%s: map '%s' has no definition in BTF",
			       obj->path, sym->name);
	map = kl_map_add(obj, sym, err);
	if (!map)
		return strlen(sym->name) < KAPSEL_NAME_LEN ? -ENOMEM : -ENAMETOOLONG;
	map->values_to = sym->value + sym->size;
	ret = read_members(obj, type, map, err);
	if (!map->values_from)
		map->values_to = 0;
	return ret ?: check_shape(obj, map, err) ?: check_inner(obj, map, err);
}

int kl_maps_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	const struct kl_section *sec = kl_section_find(obj, ".maps");
	u32 i;
	int ret = 0;

	ret = kl_legacy_maps_read(obj, err);
	if (ret || !sec)
		return ret;
	if (!obj->btf)
		return kl_hint((kl_fail(err, -ENOEXEC, "%s: maps are defined, but there is no BTF to describe them",
					obj->path), err), "compile with -g");
	for (i = 0; i < obj->nr_symbols && !ret; i++)
		if (obj->symbols[i].type == STT_OBJECT &&
		    &obj->sections[min(obj->symbols[i].section, obj->nr_sections)] == sec)
			ret = add_map(obj, &obj->symbols[i], err);
	return ret;
}
