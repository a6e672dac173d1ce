// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - CO-RE: paths to fields, in the program's types and the kernel's */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "core_spec.h"

size_t kl_core_stem(const char *name)
{
	const char *at = name, *flavour = NULL;

	while ((at = strstr(at, "___"))) {
		if (at > name && at[3])
			flavour = at;
		at++;
	}
	return flavour ? (size_t)(flavour - name) : strlen(name);
}

bool kl_core_same_name(const char *a, const char *b)
{
	size_t stem = kl_core_stem(a);

	return kl_core_stem(b) == stem && !strncmp(a, b, stem);
}

static int enter_member(struct kl_core_place *place, const struct btf_type *type, u32 index)
{
	if (index >= btf_vlen(type))
		return -EINVAL;
	place->bit += btf_member_bit_offset(type, index);
	place->bitfield = btf_member_bitfield_size(type, index);
	place->type = btf_members(type)[index].type;
	return 0;
}

/* The last member may be an array without size: any element of it will do. */
static int enter_element(struct kl_core_place *place, const struct btf_type *type, u32 index)
{
	const struct btf_array *array = btf_array(type);
	u64 bits = (u64)index * kapsel_btf_size(place->btf, array->type) * 8;

	if ((array->nelems && index >= array->nelems) || bits > INT_MAX - place->bit)
		return -ENOENT;
	place->bit += bits;
	place->type = array->type;
	return 0;
}

static int begin(const struct btf *btf, u32 type, u32 index, struct kl_core_place *place)
{
	u64 bits = (u64)index * kapsel_btf_size(btf, type) * 8;

	if (bits > INT_MAX)
		return -EINVAL;
	*place = (struct kl_core_place){ .btf = btf, .root = type, .type = type, .bit = bits };
	return 0;
}

static int local_step(struct kl_core_place *place, u32 index, struct kl_core_path *path)
{
	const struct btf_type *type = kl_btf_real(place->btf, &place->type);
	const char *name = NULL;
	int ret;

	if (type && btf_is_array(type)) {
		ret = enter_element(place, type, index);
	} else if (type && btf_is_composite(type)) {
		ret = enter_member(place, type, index);
		if (!ret)
			name = btf__name_by_offset(place->btf, btf_members(type)[index].name_off);
		/* Members without name are looked through. */
		if (!ret && !*name)
			return 0;
	} else {
		ret = -EINVAL;
	}
	if (!ret)
		path->steps[path->count++] = (struct kl_core_step){ name, index, place->type };
	return ret;
}

int kl_core_local(const struct btf *btf, u32 type, const char *access,
		  struct kl_core_path *path, struct kl_core_place *place)
{
	u32 index;
	char *end;
	int ret;

	path->btf = btf;
	path->count = 0;
	index = strtoul(access, &end, 10);
	if (end == access)
		return -EINVAL;
	path->steps[path->count++] = (struct kl_core_step){ .index = index };
	ret = begin(btf, type, index, place);
	while (!ret && *end == ':' && path->count < KL_CORE_DEPTH) {
		access = end + 1;
		index = strtoul(access, &end, 10);
		ret = end == access ? -EINVAL : local_step(place, index, path);
	}
	return ret ?: *end ? -EINVAL : 0;
}

/** struct search - a struct to look for a member in, found inside another */
struct search {
	u32 type;
	u32 bit;
};

/* Looks through members without name as well, the outer ones first. */
static int named_member(struct kl_core_place *place, const char *name)
{
	struct search queue[64] = { { place->type, place->bit } };
	u32 head = 0, tail = 1, i;

	for (; head < tail; head++) {
		const struct btf_type *type = kl_btf_real(place->btf, &queue[head].type);

		for (i = 0; type && btf_is_composite(type) && i < btf_vlen(type); i++) {
			const struct btf_member *m = &btf_members(type)[i];
			const char *is = btf__name_by_offset(place->btf, m->name_off);

			if (!strcmp(is, name)) {
				place->bit = queue[head].bit;
				return enter_member(place, type, i);
			}
			if (!*is && tail < ARRAY_SIZE(queue))
				queue[tail++] = (struct search){ m->type, queue[head].bit +
						btf_member_bit_offset(type, i) };
		}
	}
	return -ENOENT;
}

/* Of one kind, whatever their width: what the program does with one it may with the other. */
static bool same_kind(const struct btf *btf, const struct btf_type *local,
		      const struct btf *other, const struct btf_type *type)
{
	const char *name, *is;

	if (btf_is_composite(local))
		return btf_is_composite(type);
	if (btf_is_any_enum(local) ? !btf_is_any_enum(type) : btf_kind(local) != btf_kind(type))
		return false;
	if (btf_is_int(local))
		return !btf_int_offset(local) && !btf_int_offset(type);
	if (!btf_is_any_enum(local) && !btf_is_fwd(local))
		return btf_is_ptr(local) || btf_is_float(local);
	name = btf__name_by_offset(btf, local->name_off);
	is = btf__name_by_offset(other, type->name_off);
	return !*name || !*is || kl_core_same_name(name, is);
}

/* Arrays are what their elements are. */
static bool fields_agree(const struct btf *btf, u32 local_id, const struct btf *other, u32 id)
{
	const struct btf_type *local = kl_btf_real(btf, &local_id);
	const struct btf_type *type = kl_btf_real(other, &id);
	u32 depth = 0;

	while (local && type && btf_is_array(local) && btf_is_array(type) &&
	       depth++ < KL_CORE_DEPTH) {
		local_id = btf_array(local)->type;
		id = btf_array(type)->type;
		local = kl_btf_real(btf, &local_id);
		type = kl_btf_real(other, &id);
	}
	return local && type && same_kind(btf, local, other, type);
}

static int agreed_member(struct kl_core_place *place, const struct kl_core_path *path,
			 const struct kl_core_step *step)
{
	int ret = named_member(place, step->name);

	if (ret)
		return ret;
	return fields_agree(path->btf, step->type, place->btf, place->type) ? 0 : -ENOENT;
}

int kl_core_remote(const struct btf *btf, u32 id, const struct kl_core_path *path,
		   struct kl_core_place *place)
{
	int ret = begin(btf, id, path->steps[0].index, place);
	u32 i;

	for (i = 1; i < path->count && !ret; i++) {
		const struct kl_core_step *step = &path->steps[i];
		const struct btf_type *type = kl_btf_real(btf, &place->type);

		if (!type)
			ret = -ENOENT;
		else if (step->name)
			ret = agreed_member(place, path, step);
		else
			ret = btf_is_array(type) ? enter_element(place, type, step->index) :
						   -ENOENT;
	}
	return ret;
}

/* The aligned word that holds a bit field, as wide as it must be. */
static int storage(const struct kl_core_place *place, u32 *bytes, u32 *at)
{
	*bytes = kapsel_btf_size(place->btf, place->type);
	*at = place->bit / 8;
	if (!place->bitfield)
		return *bytes ? 0 : -EINVAL;
	*at = *bytes ? place->bit / 8 / *bytes * *bytes : 0;
	while (*bytes && place->bit + place->bitfield - *at * 8 > *bytes * 8) {
		if (*bytes >= 8)
			return -E2BIG;
		*bytes *= 2;
		*at = place->bit / 8 / *bytes * *bytes;
	}
	return *bytes ? 0 : -EINVAL;
}

static bool is_signed(const struct kl_core_place *place)
{
	u32 id = place->type;
	const struct btf_type *type = kl_btf_real(place->btf, &id);

	if (type && btf_is_any_enum(type))
		return btf_is_enum(type) || btf_kflag(type);
	return type && btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_SIGNED);
}

int kl_core_field(u32 kind, const struct kl_core_place *place, u64 *value)
{
	u32 bytes = 0, at = 0, bits;
	int ret = storage(place, &bytes, &at);

	bits = place->bitfield ?: bytes * 8;
	switch (kind) {
	case KL_CORE_BYTE_OFFSET:
		/* Something without size, as an array at the end, has a place too. */
		*value = at;
		return place->bitfield ? ret : 0;
	case KL_CORE_BYTE_SIZE:
		*value = bytes;
		return ret;
	case KL_CORE_SIGNED:
		*value = is_signed(place);
		return 0;
	case KL_CORE_LSHIFT:
		*value = 64 - (place->bit + bits - at * 8);
		return ret;
	case KL_CORE_RSHIFT:
		*value = 64 - bits;
		return ret;
	}
	return -EOPNOTSUPP;
}
