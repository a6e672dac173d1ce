// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - BTF from elsewhere: checked, so that nobody else need doubt it */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "internal.h"

static bool type_exists(const struct btf *btf, u32 id)
{
	return id < btf__type_cnt(btf);
}

static bool name_exists(const struct btf *btf, u32 off)
{
	return btf__str_by_offset(btf, off);
}

static bool members_exist(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_member *member = btf_members(type);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++, member++)
		if (!type_exists(btf, member->type) || !name_exists(btf, member->name_off))
			return false;
	return true;
}

static bool params_exist(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_param *param = btf_params(type);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++, param++)
		if (!type_exists(btf, param->type) || !name_exists(btf, param->name_off))
			return false;
	return true;
}

static bool vars_exist(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_var_secinfo *var = btf_var_secinfos(type);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++, var++)
		if (!type_exists(btf, var->type))
			return false;
	return true;
}

static bool enums_exist(const struct btf *btf, const struct btf_type *type)
{
	u32 i;

	for (i = 0; i < btf_vlen(type); i++)
		if (!name_exists(btf, btf_is_enum(type) ? btf_enum(type)[i].name_off :
							  btf_enum64(type)[i].name_off))
			return false;
	return true;
}

static bool type_is_sound(const struct btf *btf, const struct btf_type *type)
{
	if (!name_exists(btf, type->name_off))
		return false;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return true;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return enums_exist(btf, type);
	case BTF_KIND_ARRAY:
		return type_exists(btf, btf_array(type)->type) &&
		       type_exists(btf, btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members_exist(btf, type);
	case BTF_KIND_FUNC_PROTO:
		return type_exists(btf, type->type) && params_exist(btf, type);
	case BTF_KIND_DATASEC:
		return vars_exist(btf, type);
	default:
		return type_exists(btf, type->type);
	}
}

u32 kl_btf_unsound(const struct btf *btf)
{
	u32 i;

	for (i = 1; i < btf__type_cnt(btf); i++)
		if (!type_is_sound(btf, btf__type_by_id(btf, i)))
			return i;
	return 0;
}

/* Where the names are, if the header says something that can be. */
static void make_names_plain(char *data, size_t size)
{
	struct btf_header hdr;
	u64 from;

	if (size < sizeof(hdr))
		return;
	memcpy(&hdr, data, sizeof(hdr));
	from = (u64)hdr.hdr_len + hdr.str_off;
	if (from <= size && hdr.str_len <= size - from)
		kl_make_plain(data + from, hdr.str_len);
}

int kl_btf_new(const void *data, size_t size, struct btf **btf, u32 *bad)
{
	char *copy = size <= U32_MAX ? malloc(size + 1) : NULL;

	*bad = 0;
	*btf = NULL;
	if (!copy)
		return size <= U32_MAX ? -ENOMEM : -ENOEXEC;
	memcpy(copy, data, size);
	make_names_plain(copy, size);
	errno = 0;
	*btf = btf__new(copy, size);
	free(copy);
	if (!*btf)
		return errno == ENOMEM ? -ENOMEM : -ENOEXEC;
	*bad = kl_btf_unsound(*btf);
	if (!*bad)
		return 0;
	btf__free(*btf);
	*btf = NULL;
	return -ENOEXEC;
}
