// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - one of the kernel's types with what belongs to it */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_raw.h"

#define FIRST_BITS 6

/**
 * struct bytes - a section that grows
 * @data: of it
 * @size: bytes
 * @room: bytes
 */
struct bytes {
	char *data;
	u32 size;
	u32 room;
};

/**
 * struct wanted - a type that is to be in the cut; its id there is its place in the list
 * @id: in the kernel
 * @behind: a pointer leads to it
 * @next: in its chain, or 0
 */
struct wanted {
	u32 id;
	bool behind;
	u32 next;
};

/**
 * struct cut - types on their way
 * @from: the kernel's
 * @list: what is wanted, from 1 on
 * @nr: how many
 * @heads: of chains, by hash
 * @bits: of the hash
 * @types: records
 * @strings: names
 * @err: -EINVAL or -ENOMEM, once something went wrong
 */
struct cut {
	const struct kl_raw *from;
	struct wanted *list;
	u32 nr;
	u32 *heads;
	u32 bits;
	struct bytes types;
	struct bytes strings;
	int err;
};

static void fail(struct cut *cut, int err)
{
	if (!cut->err)
		cut->err = err;
}

/* Returns where it is, or 0 with the error noted. */
static u32 append(struct cut *cut, struct bytes *to, const void *data, u32 size)
{
	u32 at = to->size, room = to->room ?: 4096;
	char *more;

	while (room - at < size)
		room *= 2;
	if (room != to->room) {
		more = realloc(to->data, room);
		if (!more) {
			fail(cut, -ENOMEM);
			return 0;
		}
		to->data = more;
		to->room = room;
	}
	memcpy(to->data + at, data, size);
	to->size += size;
	return at;
}

static u32 name(struct cut *cut, u32 off)
{
	const char *is = off ? kl_raw_name(cut->from, off) : "";

	if (!is)
		fail(cut, -EINVAL);
	return is && *is ? append(cut, &cut->strings, is, strlen(is) + 1) : 0;
}

static u32 *head_of(const struct cut *cut, u32 id, bool behind)
{
	return &cut->heads[(id * 2 + behind) * 2654435761u >> (32 - cut->bits)];
}

/* Twice as many chains, in which everything is found again. */
static bool rehash(struct cut *cut)
{
	u32 bits = cut->heads ? cut->bits + 1 : FIRST_BITS, i, *head;
	u32 *heads = calloc(1u << bits, sizeof(*heads));

	if (!heads)
		return false;
	free(cut->heads);
	cut->heads = heads;
	cut->bits = bits;
	for (i = 1; i <= cut->nr; i++) {
		head = head_of(cut, cut->list[i].id, cut->list[i].behind);
		cut->list[i].next = *head;
		*head = i;
	}
	return true;
}

static bool make_room(struct cut *cut)
{
	struct wanted *list;

	if (cut->heads && cut->nr + 1 < 1u << cut->bits)
		return true;
	if (!rehash(cut))
		return false;
	list = realloc(cut->list, sizeof(*list) << cut->bits);
	if (!list)
		return false;
	cut->list = list;
	return true;
}

/* The id in the cut of one that is in the kernel. */
static u32 want(struct cut *cut, u32 id, bool behind)
{
	u32 i, *head;

	if (!id || cut->err)
		return 0;
	for (i = cut->heads ? *head_of(cut, id, behind) : 0; i; i = cut->list[i].next)
		if (cut->list[i].id == id && cut->list[i].behind == behind)
			return i;
	if (!make_room(cut)) {
		fail(cut, -ENOMEM);
		return 0;
	}
	head = head_of(cut, id, behind);
	cut->list[++cut->nr] = (struct wanted){ id, behind, *head };
	*head = cut->nr;
	return cut->nr;
}

/* ------------------------------------------------------------------------
 * Records. Each is copied first, and then what it names becomes the cut's
 */
static void members(struct cut *cut, struct btf_type *type)
{
	struct btf_member *member = btf_members(type);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++, member++) {
		member->name_off = name(cut, member->name_off);
		member->type = want(cut, member->type, false);
	}
}

static void params(struct cut *cut, struct btf_type *type)
{
	struct btf_param *param = btf_params(type);
	u32 i;

	type->type = want(cut, type->type, false);
	for (i = 0; i < btf_vlen(type); i++, param++) {
		param->name_off = name(cut, param->name_off);
		param->type = want(cut, param->type, false);
	}
}

static void words(struct cut *cut, struct btf_type *type)
{
	u32 i, *off;

	for (i = 0; i < btf_vlen(type); i++) {
		off = btf_is_enum(type) ? &btf_enum(type)[i].name_off :
					  &btf_enum64(type)[i].name_off;
		*off = name(cut, *off);
	}
}

static void refer(struct cut *cut, struct btf_type *type, bool behind)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		words(cut, type);
		break;
	case BTF_KIND_ARRAY:
		btf_array(type)->type = want(cut, btf_array(type)->type, false);
		btf_array(type)->index_type = want(cut, btf_array(type)->index_type, false);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		members(cut, type);
		break;
	case BTF_KIND_FUNC_PROTO:
		params(cut, type);
		break;
	case BTF_KIND_PTR:
		type->type = want(cut, type->type, true);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		type->type = want(cut, type->type, behind);
		break;
	default:
		fail(cut, -EINVAL);
	}
}

/* Members are names and numbers, so that a copy is aligned as any is. */
static void add(struct cut *cut, const struct wanted *wanted)
{
	const struct btf_type *type = kl_raw_type(cut->from, wanted->id);
	bool behind = wanted->behind;
	struct btf_type *copy;
	u32 size, at;

	if (!type) {
		fail(cut, -EINVAL);
		return;
	}
	size = behind && btf_is_composite(type) ? sizeof(*type) : kl_raw_size(type);
	at = append(cut, &cut->types, type, size);
	if (cut->err)
		return;
	copy = (void *)(cut->types.data + at);
	if (size == sizeof(*type) && btf_is_composite(type))
		copy->info &= ~0xffffu;
	copy->name_off = name(cut, copy->name_off);
	refer(cut, copy, behind);
}

static int assemble(struct cut *cut, struct btf **btf)
{
	struct btf_header hdr = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(hdr),
		.type_len = cut->types.size, .str_off = cut->types.size,
		.str_len = cut->strings.size,
	};
	struct bytes all = {};

	append(cut, &all, &hdr, sizeof(hdr));
	append(cut, &all, cut->types.data, cut->types.size);
	append(cut, &all, cut->strings.data, cut->strings.size);
	if (!cut->err) {
		errno = 0;
		*btf = btf__new(all.data, all.size);
		if (!*btf)
			fail(cut, errno == ENOMEM ? -ENOMEM : -EINVAL);
	}
	free(all.data);
	return cut->err;
}

int kl_btf_cut(const struct kl_raw *raw, u32 id, struct btf **btf)
{
	struct cut cut = { .from = raw };
	struct wanted wanted;
	u32 i;
	int ret;

	*btf = NULL;
	append(&cut, &cut.strings, "", 1);
	if (!want(&cut, id, false))
		fail(&cut, -EINVAL);
	for (i = 1; i <= cut.nr && !cut.err; i++) {
		/* The list may move. */
		wanted = cut.list[i];
		add(&cut, &wanted);
	}
	ret = cut.err ?: assemble(&cut, btf);
	free(cut.heads);
	free(cut.list);
	free(cut.types.data);
	free(cut.strings.data);
	return ret;
}
