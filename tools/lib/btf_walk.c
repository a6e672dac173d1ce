// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - a value taken apart by its BTF type */

#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"

#define MAX_NESTING 16

/*
 * Unions within unions can name the same bytes without end. What a compiler makes
 * names each bit a few times at most.
 */
#define NAMES_A_BYTE 64
#define NAMES_AT_LEAST 4096

/**
 * struct level - a struct or array being walked
 * @type: of it
 * @at: where it begins in the value
 * @next: index of the next member or element
 */
struct level {
	const struct btf_type *type;
	size_t at;
	u32 next;
};

struct walk {
	const struct btf *btf;
	const char *data;
	size_t size;
	void (*fn)(void *ctx, const struct kl_value *value);
	void *ctx;
	struct level levels[MAX_NESTING];
	u32 depth;
	u64 left;	/* members and elements that may still be shown */
};

/* What is to be shown next: a type at a place, under a name. */
struct spot {
	u32 id;
	size_t at;
	u32 bit;
	u32 bits;	/* of a bit field, else 0 */
	const char *name;
	bool first;
};

static void show_bytes(struct walk *w, const struct spot *spot, size_t size)
{
	struct kl_value value = {
		.kind = KL_BYTES, .name = spot->name, .first = spot->first,
		.data = w->data + spot->at, .size = size,
	};

	w->fn(w->ctx, &value);
}

static s64 bit_field(const struct walk *w, const struct spot *spot, u32 size,
		     bool is_signed)
{
	u64 raw = kl_load_int(w->data + spot->at, size, false);
	u32 up = 64 - spot->bit - spot->bits, down = 64 - spot->bits;

	raw <<= up;
	return is_signed ? (s64)raw >> down : (s64)(raw >> down);
}

static void show_int(struct walk *w, const struct spot *spot,
		     const struct btf_type *type, struct kl_value *value)
{
	u8 encoding = btf_is_int(type) ? btf_int_encoding(type) : 0;
	bool is_signed = btf_is_int(type) ? encoding & BTF_INT_SIGNED :
					    btf_is_enum(type) || btf_kflag(type);

	value->kind = is_signed ? KL_NUMBER : KL_UNSIGNED;
	if (encoding & BTF_INT_BOOL)
		value->kind = KL_BOOL;
	if (spot->bits && spot->bits <= 64 && spot->bit + spot->bits <= 64)
		value->number = bit_field(w, spot, type->size, is_signed);
	else
		value->number = kl_load_int(w->data + spot->at, type->size, is_signed);
	if (btf_is_any_enum(type)) {
		value->kind = KL_ENUM;
		value->enumerator = kl_btf_enum_name(w->btf, type, value->number);
	}
	w->fn(w->ctx, value);
}

static void enter(struct walk *w, const struct spot *spot,
		  const struct btf_type *type, struct kl_value *value)
{
	struct level *level = &w->levels[w->depth++];

	level->type = type;
	level->at = spot->at;
	level->next = 0;
	value->kind = btf_is_array(type) ? KL_ARRAY_OPEN : KL_STRUCT_OPEN;
	w->fn(w->ctx, value);
}

static void show_array(struct walk *w, const struct spot *spot,
		       const struct btf_type *type, struct kl_value *value, u32 size)
{
	if (!kl_btf_is_char(w->btf, btf_array(type)->type)) {
		enter(w, spot, type, value);
		return;
	}
	value->kind = KL_STRING;
	value->data = w->data + spot->at;
	value->size = strnlen(value->data, size);
	w->fn(w->ctx, value);
}

static void show(struct walk *w, const struct spot *spot)
{
	struct kl_value value = { .name = spot->name, .first = spot->first };
	u32 id = spot->id, size = kapsel_btf_size(w->btf, id);
	const struct btf_type *type = kl_btf_real(w->btf, &id);
	size_t left = spot->at < w->size ? w->size - spot->at : 0;
	bool nests;

	if (left && (!type || !size || size > left))
		show_bytes(w, spot, left);
	if (!type || !size || size > left)
		return;
	nests = btf_is_composite(type) || btf_is_array(type);
	if (nests && w->depth == MAX_NESTING) {
		show_bytes(w, spot, size);
	} else if (btf_is_array(type)) {
		show_array(w, spot, type, &value, size);
	} else if (nests) {
		enter(w, spot, type, &value);
	} else if (btf_is_ptr(type)) {
		value.kind = KL_POINTER;
		value.number = kl_load_int(w->data + spot->at, size, false);
		w->fn(w->ctx, &value);
	} else if ((btf_is_int(type) || btf_is_any_enum(type)) && size <= 8) {
		show_int(w, spot, type, &value);
	} else {
		show_bytes(w, spot, size);
	}
}

static bool next_member(const struct walk *w, struct level *level, struct spot *spot)
{
	const struct btf_type *type = level->type;
	const struct btf_member *member;
	u64 unit;
	u32 bit;

	if (level->next >= btf_vlen(type))
		return false;
	member = &btf_members(type)[level->next];
	bit = btf_member_bit_offset(type, level->next);
	spot->id = member->type;
	spot->bits = btf_member_bitfield_size(type, level->next);
	spot->at = level->at + bit / 8;
	if (spot->bits) {
		/* The storage unit that holds the bits. */
		unit = kapsel_btf_size(w->btf, member->type) ?: 1;
		spot->at = level->at + bit / (unit * 8) * unit;
		spot->bit = bit % (unit * 8);
	}
	spot->name = btf__name_by_offset(w->btf, member->name_off);
	return true;
}

static bool next_element(const struct walk *w, struct level *level, struct spot *spot)
{
	const struct btf_array *array = btf_array(level->type);
	u32 size = kapsel_btf_size(w->btf, array->type);

	if (level->next >= array->nelems || !size)
		return false;
	spot->id = array->type;
	spot->at = level->at + (size_t)level->next * size;
	return spot->at < w->size;
}

static void step(struct walk *w)
{
	struct level *level = &w->levels[w->depth - 1];
	struct spot spot = { .first = !level->next };
	bool array = btf_is_array(level->type);

	if (w->left && (array ? next_element(w, level, &spot) : next_member(w, level, &spot))) {
		w->left--;
		level->next++;
		show(w, &spot);
	} else {
		struct kl_value value = { .kind = KL_CLOSE, .array = array };

		w->depth--;
		w->fn(w->ctx, &value);
	}
}

void kl_btf_walk(const struct btf *btf, u32 id, const void *data, size_t size,
		 void (*fn)(void *ctx, const struct kl_value *value), void *ctx)
{
	struct walk w = { .btf = btf, .data = data, .size = size, .fn = fn, .ctx = ctx };
	struct spot top = { .id = id, .first = true };

	w.left = NAMES_AT_LEAST + (u64)size * NAMES_A_BYTE;
	if (!btf || !id) {
		show_bytes(&w, &top, size);
		return;
	}
	show(&w, &top);
	while (w.depth)
		step(&w);
}
