// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - helpers, map types, program types: the tables as data */

#include <linux/kernel.h>
#include <linux/types.h>

#include "core/proto.h"

#define KPS_HELPER(_id, _name, _ret, a1, a2, a3, a4, a5, _progs, _op, _gpl, _doc) \
	{ .id = _id, .name = #_name, .ret = KPS_RET_##_ret,			\
	  .args = { KPS_ARG_##a1, KPS_ARG_##a2, KPS_ARG_##a3, KPS_ARG_##a4,	\
		    KPS_ARG_##a5 },						\
	  .progs = KAPSEL_FOR_##_progs, .map_op = KAPSEL_MAP_OP_##_op,		\
	  .gpl = _gpl, .doc = _doc },
const struct kps_helper kps_helpers[] = {
#include "core/helpers.tbl"
};

#undef KPS_HELPER

const u32 kps_nr_helpers = ARRAY_SIZE(kps_helpers);

#define KPS_MAP_TYPE(_type, _name, _ops, _flags, _doc)				\
	{ .type = _type, .name = #_name, .ops = _ops, .flags = _flags, .doc = _doc },
const struct kps_map_type kps_map_types[] = {
#include "core/maptypes.tbl"
};

const u32 kps_nr_map_types = ARRAY_SIZE(kps_map_types);

/*
 * One table for all contexts, grouped by the rows' order; each program type
 * points at its part of it, found at compile time by these positions.
 */
enum {
#define KPS_CTX_FIELD(_ctx, _off, _size, _flags, _name) _ctx##_at_##_name,
#include "core/context.tbl"
#undef KPS_CTX_FIELD
	nr_ctx_fields
};

static const struct kps_ctx_field ctx_fields[] = {
#define KPS_CTX_FIELD(_ctx, _off, _size, _flags, _name)				\
	{ .offset = _off, .size = _size, .flags = _flags, .name = #_name },
#include "core/context.tbl"
#undef KPS_CTX_FIELD
};

#define pt_regs_first	pt_regs_at_r15
#define pt_regs_end	sk_buff_at_len
#define sk_buff_first	sk_buff_at_len
#define sk_buff_end	nr_ctx_fields

#define KPS_PROG_TYPE(_type, _name, _bit, _size, _ctx, _min, _max, _leaks, _doc) \
	{ .type = _type, .name = #_name, .bit = KAPSEL_FOR_##_bit,		\
	  .ctx_size = _size, .fields = &ctx_fields[_ctx##_first],		\
	  .nr_fields = _ctx##_end - _ctx##_first,				\
	  .ret_min = _min, .ret_max = _max, .leaks = _leaks, .doc = _doc },
const struct kps_prog_type kps_prog_types[] = {
#include "core/progtypes.tbl"
};

const u32 kps_nr_prog_types = ARRAY_SIZE(kps_prog_types);

/* For each id: the number of its row, plus one. */
enum {
#define KPS_HELPER(_id, _name, ...) row_of_##_name,
#include "core/helpers.tbl"
#undef KPS_HELPER
};

static const u8 helper_rows[] = {
#define KPS_HELPER(_id, _name, ...)						\
	[_id] = row_of_##_name + 1,
#include "core/helpers.tbl"
#undef KPS_HELPER
};

const struct kps_helper *kps_helper_find(u32 id)
{
	u32 row = id < ARRAY_SIZE(helper_rows) ? helper_rows[id] : 0;

	return row ? &kps_helpers[row - 1] : NULL;
}

const struct kps_map_type *kps_map_type_find(u32 type)
{
	u32 i;

	for (i = 0; i < kps_nr_map_types; i++)
		if (kps_map_types[i].type == type)
			return &kps_map_types[i];
	return NULL;
}

const struct kps_prog_type *kps_prog_type_find(u32 type)
{
	u32 i;

	for (i = 0; i < kps_nr_prog_types; i++)
		if (kps_prog_types[i].type == type)
			return &kps_prog_types[i];
	return NULL;
}

const struct kps_ctx_field *
kps_ctx_field_find(const struct kps_prog_type *type, u32 off, u32 size)
{
	const struct kps_ctx_field *field = type->fields;
	u32 left = type->nr_fields, half;

	/* Of those that start at @off or before it the last. */
	for (; left > 1; left -= half) {
		half = left / 2;
		if (field[half].offset <= off)
			field += half;
	}
	off -= field->offset;
	return size <= field->size && off <= field->size - size ? field : NULL;
}
