// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - BTF types: names, sizes, members, which struct an event is */

#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"

/* Deeper nesting than this is a loop in damaged type information. */
#define MAX_CHAIN 32

const struct btf_type *kl_btf_real(const struct btf *btf, u32 *id)
{
	const struct btf_type *type = btf__type_by_id(btf, *id);
	int steps;

	for (steps = 0; type && steps < MAX_CHAIN; steps++) {
		if (!btf_is_mod(type) && !btf_is_typedef(type) && !btf_is_var(type) &&
		    !btf_is_type_tag(type))
			return type;
		*id = type->type;
		type = btf__type_by_id(btf, *id);
	}
	return NULL;
}

u32 kapsel_btf_size(const struct btf *btf, u32 type)
{
	s64 size = btf ? btf__resolve_size(btf, type) : 0;

	return size > 0 && size <= INT_MAX ? size : 0;
}

static const char *keyword(const struct btf_type *type)
{
	if (btf_is_struct(type))
		return "struct ";
	if (btf_is_union(type))
		return "union ";
	return btf_is_any_enum(type) ? "enum " : "";
}

/* Stars of pointers and dimensions of arrays, gathered on the way to the name. */
struct decorations {
	char stars[16];
	char dims[64];
};

static u32 undecorate(const struct btf *btf, u32 id, struct decorations *deco)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	int steps;

	for (steps = 0; type && steps < MAX_CHAIN; steps++) {
		size_t len = strlen(deco->dims);

		if (btf_is_array(type)) {
			snprintf(deco->dims + len, sizeof(deco->dims) - len, "[%u]",
				 btf_array(type)->nelems);
			id = btf_array(type)->type;
		} else if (btf_is_ptr(type)) {
			if (strlen(deco->stars) < sizeof(deco->stars) - 1)
				strcat(deco->stars, "*");
			id = type->type;
		} else if (btf_is_mod(type) || btf_is_var(type)) {
			id = type->type;
		} else {
			break;
		}
		type = btf__type_by_id(btf, id);
	}
	return id;
}

const char *kapsel_btf_name(const struct btf *btf, u32 id, char *buf, size_t size)
{
	struct decorations deco = {};
	const struct btf_type *type;
	const char *name;

	if (!btf) {
		snprintf(buf, size, "?");
		return buf;
	}
	id = undecorate(btf, id, &deco);
	type = btf__type_by_id(btf, id);
	name = type ? btf__name_by_offset(btf, type->name_off) : NULL;
	if (!id)
		name = "void";
	snprintf(buf, size, "%s%s%s%s%s", type ? keyword(type) : "",
		 name && *name ? name : "{...}", deco.stars[0] ? " " : "",
		 deco.stars, deco.dims);
	return buf;
}

u32 kapsel_btf_fields(const struct btf *btf, u32 id, struct kapsel_field *fields,
		      u32 room)
{
	const struct btf_type *type = kl_btf_real(btf, &id);
	u32 i;

	if (!type || !btf_is_composite(type))
		return 0;
	for (i = 0; i < btf_vlen(type) && i < room; i++) {
		const struct btf_member *member = &btf_members(type)[i];

		fields[i].name = btf__name_by_offset(btf, member->name_off) ?: "";
		fields[i].type = member->type;
		fields[i].offset = btf_member_bit_offset(type, i) / 8;
		fields[i].size = kapsel_btf_size(btf, member->type);
	}
	return btf_vlen(type);
}

bool kapsel_btf_is_pointer(const struct btf *btf, u32 id)
{
	const struct btf_type *type = btf ? kl_btf_real(btf, &id) : NULL;

	return type && btf_is_ptr(type);
}

u32 kapsel_btf_element(const struct btf *btf, u32 id, u32 *count)
{
	const struct btf_type *type = kl_btf_real(btf, &id);

	*count = 0;
	if (!type || !btf_is_array(type))
		return 0;
	*count = btf_array(type)->nelems;
	return btf_array(type)->type;
}

static u32 find_struct(const struct btf *btf, const char *fmt, int len, const char *name)
{
	char full[2 * KAPSEL_NAME_LEN];
	s32 id;

	snprintf(full, sizeof(full), fmt, len, name);
	id = btf__find_by_name_kind(btf, full, BTF_KIND_STRUCT);
	return id > 0 ? id : 0;
}

static u32 only_event(const struct btf *btf)
{
	u32 i, found = 0;

	for (i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *type = btf__type_by_id(btf, i);
		const char *name = btf__name_by_offset(btf, type->name_off) ?: "";
		size_t len = strlen(name);

		if (!btf_is_struct(type) || len < 5 || strcmp(name + len - 5, "event"))
			continue;
		if (found)
			return 0;
		found = i;
	}
	return found;
}

u32 kapsel_event_type(const struct btf *btf, const char *map)
{
	int len = strlen(map);
	int stem = len > 1 && map[len - 1] == 's' ? len - 1 : len;
	u32 id;

	if (!btf || len >= KAPSEL_NAME_LEN)
		return 0;
	id = find_struct(btf, "%.*s", len, map);
	id = id ?: find_struct(btf, "%.*s", stem, map);
	id = id ?: find_struct(btf, "%.*s_event", len, map);
	id = id ?: find_struct(btf, "%.*s_event", stem, map);
	id = id ?: find_struct(btf, "%.*s", 5, "event");
	return id ?: only_event(btf);
}

bool kl_btf_is_char(const struct btf *btf, u32 id)
{
	const struct btf_type *type = kl_btf_real(btf, &id);
	const char *name;

	if (!type || !btf_is_int(type) || type->size != 1)
		return false;
	name = btf__name_by_offset(btf, type->name_off) ?: "";
	return !strcmp(name, "char") || (btf_int_encoding(type) & BTF_INT_CHAR);
}

const char *kl_btf_enum_name(const struct btf *btf, const struct btf_type *type,
			     s64 value)
{
	u32 i;

	for (i = 0; i < btf_vlen(type); i++) {
		if (btf_is_enum(type) && btf_enum(type)[i].val == (s32)value)
			return btf__name_by_offset(btf, btf_enum(type)[i].name_off);
		if (!btf_is_enum(type) &&
		    btf_enum64_value(&btf_enum64(type)[i]) == (u64)value)
			return btf__name_by_offset(btf, btf_enum64(type)[i].name_off);
	}
	return NULL;
}

bool kl_btf_enum_value(const struct btf *btf, const struct btf_type *type,
		       const char *name, s64 *value)
{
	u32 i;

	for (i = 0; i < btf_vlen(type); i++) {
		u32 off = btf_is_enum(type) ? btf_enum(type)[i].name_off :
					      btf_enum64(type)[i].name_off;

		if (strcmp(btf__name_by_offset(btf, off) ?: "", name))
			continue;
		*value = btf_is_enum(type) ? btf_enum(type)[i].val :
					     (s64)btf_enum64_value(&btf_enum64(type)[i]);
		return true;
	}
	return false;
}

s64 kl_load_int(const void *data, u32 size, bool is_signed)
{
	u64 value = 0;
	u32 shift;

	if (size > sizeof(value))
		size = sizeof(value);
	/* The library runs where the values were made: x86-64 is little-endian. */
	memcpy(&value, data, size);
	shift = 64 - size * 8;
	if (!size || !shift)
		return value;
	return is_signed ? (s64)(value << shift) >> shift : (s64)value;
}

bool kapsel_btf_number(const struct btf *btf, u32 id, const void *data, size_t size,
		       s64 *number)
{
	const struct btf_type *type = btf ? kl_btf_real(btf, &id) : NULL;

	if (!type || !btf_is_int(type) || type->size > 8 || type->size > size)
		return false;
	*number = kl_load_int(data, type->size, btf_int_encoding(type) & BTF_INT_SIGNED);
	return true;
}
