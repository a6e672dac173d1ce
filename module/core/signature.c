// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - how a kernel function takes its arguments, from the kernel's BTF */

#include <linux/kernel.h>
#include <linux/string.h>
#include <uapi/linux/btf.h>

#include "core/signature.h"

#define MAX_CHAIN	32	/* of names and qualifiers before a type */
#define WORD		8
#define MAX_BY_VALUE	(2 * WORD)

/**
 * struct types - the types, and the strings that name them
 * @at: struct btf_type and what follows, each a multiple of 4 bytes
 * @len: of it, bytes
 * @strings: the first is empty, the last ends with a NUL
 * @strings_len: bytes
 */
struct types {
	const u8 *at;
	u32 len;
	const char *strings;
	u32 strings_len;
};

static bool open_types(struct types *types, const void *btf, size_t size)
{
	const struct btf_header *head = btf;
	u64 from, strings;

	if (size < sizeof(*head) || head->magic != BTF_MAGIC ||
	    head->version != BTF_VERSION || head->type_off % 4 || head->type_len % 4 ||
	    head->hdr_len % 4 || !head->str_len)
		return false;
	from = (u64)head->hdr_len + head->type_off;
	strings = (u64)head->hdr_len + head->str_off;
	if (from + head->type_len > size || strings + head->str_len > size)
		return false;
	types->at = (const u8 *)btf + from;
	types->len = head->type_len;
	types->strings = (const char *)btf + strings;
	types->strings_len = head->str_len;
	return !types->strings[types->strings_len - 1];
}

int kps_btf_following(u32 info)
{
	u32 vlen = BTF_INFO_VLEN(info);

	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return vlen * 8;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return vlen * 12;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	}
	return -1;
}

/* The type at an offset, whole, and where the next one is; or NULL. */
static const struct btf_type *step(const struct types *types, u32 *at)
{
	const struct btf_type *type = (const void *)(types->at + *at);
	u32 left = types->len - *at;
	int more;

	if (left < sizeof(*type))
		return NULL;
	more = kps_btf_following(type->info);
	if (more < 0 || left - sizeof(*type) < (u32)more)
		return NULL;
	*at += sizeof(*type) + more;
	return type;
}

/* Type 0 is void, which is nowhere. */
static const struct btf_type *type_at(const struct types *types, u32 id)
{
	const struct btf_type *type = NULL;
	u32 at = 0;

	while (id--) {
		type = step(types, &at);
		if (!type)
			return NULL;
	}
	return type;
}

static bool is_modifier(const struct btf_type *type)
{
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return true;
	}
	return false;
}

/* What a type comes to; NULL: nothing, or void by another name. */
static const struct btf_type *resolve(const struct types *types, u32 id)
{
	const struct btf_type *type = type_at(types, id);
	int i;

	for (i = 0; type && is_modifier(type); i++)
		type = i < MAX_CHAIN ? type_at(types, type->type) : NULL;
	return type;
}

/* Bytes of a type that is one number; 0: it is not. */
static u32 plain_size(const struct btf_type *type)
{
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_PTR:
		return WORD;
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return type->size;
	}
	return 0;
}

/*
 * Members that lie where their size has them: a packed struct is passed in memory,
 * however small it is.
 */
static bool is_simple(const struct types *types, const struct btf_type *type)
{
	const struct btf_member *member = (const void *)(type + 1);
	u32 i, size;

	if (BTF_INFO_KFLAG(type->info))
		return false;
	for (i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const struct btf_type *of = resolve(types, member[i].type);

		size = of ? plain_size(of) : 0;
		if (!size || size > WORD || member[i].offset % (size * 8))
			return false;
	}
	return true;
}

/* Registers for a value; more than there are: none will do. */
static u32 registers(const struct types *types, u32 id)
{
	const struct btf_type *type = resolve(types, id);
	u32 size = type ? plain_size(type) : 0;

	if (!type)
		return KPS_ARG_REGISTERS + 1;
	if (size)
		return size <= MAX_BY_VALUE ? DIV_ROUND_UP(size, WORD) : KPS_ARG_REGISTERS + 1;
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (type->size && type->size <= MAX_BY_VALUE && is_simple(types, type))
			return DIV_ROUND_UP(type->size, WORD);
	}
	return KPS_ARG_REGISTERS + 1;
}

/* A parameter of no type stands for those that vary. */
static bool takes_registers(const struct types *types, const struct btf_type *proto)
{
	const struct btf_param *param = (const void *)(proto + 1);
	u32 i, sum = 0;

	for (i = 0; i < BTF_INFO_VLEN(proto->info); i++) {
		sum += registers(types, param[i].type);
		if (sum > KPS_ARG_REGISTERS)
			return false;
	}
	return true;
}

static bool gives_registers(const struct types *types, const struct btf_type *proto)
{
	return !proto->type || registers(types, proto->type) <= 2;
}

static bool is_named(const struct types *types, const struct btf_type *type, const char *name)
{
	return BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
	       type->name_off < types->strings_len &&
	       !strcmp(types->strings + type->name_off, name);
}

/* Its prototype, if there is one function of that name and no more. */
static const struct btf_type *find_proto(const struct types *types, const char *name)
{
	const struct btf_type *type, *found = NULL;
	u32 at = 0;

	while (at < types->len) {
		type = step(types, &at);
		if (!type)
			return NULL;
		if (!is_named(types, type, name))
			continue;
		if (found)
			return NULL;
		found = type;
	}
	type = found ? type_at(types, found->type) : NULL;
	return type && BTF_INFO_KIND(type->info) == BTF_KIND_FUNC_PROTO ? type : NULL;
}

enum kps_signature kps_signature_find(const void *btf, size_t size, const char *name)
{
	const struct btf_type *proto;
	struct types types;

	if (!open_types(&types, btf, size))
		return KPS_SIGNATURE_UNKNOWN;
	proto = find_proto(&types, name);
	if (!proto)
		return KPS_SIGNATURE_UNKNOWN;
	return takes_registers(&types, proto) && gives_registers(&types, proto) ?
	       KPS_SIGNATURE_REGISTERS : KPS_SIGNATURE_MEMORY;
}
