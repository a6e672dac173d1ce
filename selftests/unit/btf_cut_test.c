// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's types as they lie in its file, and one of them by itself */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_names.h"
#include "btf_raw.h"
#include "kselftest_harness.h"

/**
 * struct kinds - a kernel's types, one of each kind: struct node {
 *	struct node *next; const node_t *same; struct inner in; int (*fn)(struct arg);
 *	enum colour colour; enum big big; long list[3]; struct only *only; float f; }
 */
struct kinds {
	struct btf *btf;
	int node, inner, only, arg, colour, big, number;
};

static void add_small(struct kinds *k)
{
	k->number = btf__add_int(k->btf, "long", 8, BTF_INT_SIGNED);
	k->inner = btf__add_struct(k->btf, "inner", 8);
	btf__add_field(k->btf, "x", k->number, 0, 0);
	k->only = btf__add_struct(k->btf, "only", 8);
	btf__add_field(k->btf, "hidden", k->number, 0, 0);
	k->arg = btf__add_struct(k->btf, "arg", 8);
	btf__add_field(k->btf, "y", k->number, 0, 0);
	k->colour = btf__add_enum(k->btf, "colour", 4);
	btf__add_enum_value(k->btf, "RED", 7);
	k->big = btf__add_enum64(k->btf, "big", 8, false);
	btf__add_enum64_value(k->btf, "HUGE", 1ULL << 40);
}

static void add_node(struct kinds *k)
{
	int proto = btf__add_func_proto(k->btf, k->number);
	int fn, next, same, list, only, f;

	btf__add_func_param(k->btf, "given", k->arg);
	fn = btf__add_ptr(k->btf, proto);
	list = btf__add_array(k->btf, k->number, k->number, 3);
	only = btf__add_ptr(k->btf, k->only);
	f = btf__add_float(k->btf, "float", 4);
	/* The struct's own number, three from here. */
	next = btf__add_ptr(k->btf, f + 5);
	same = btf__add_ptr(k->btf, f + 3);
	btf__add_const(k->btf, f + 4);
	btf__add_typedef(k->btf, "node_t", f + 5);
	k->node = btf__add_struct(k->btf, "node", 80);
	btf__add_field(k->btf, "next", next, 0, 0);
	btf__add_field(k->btf, "same", same, 64, 0);
	btf__add_field(k->btf, "in", k->inner, 128, 0);
	btf__add_field(k->btf, "fn", fn, 192, 0);
	btf__add_field(k->btf, "colour", k->colour, 256, 0);
	btf__add_field(k->btf, "big", k->big, 320, 0);
	btf__add_field(k->btf, "list", list, 384, 0);
	btf__add_field(k->btf, "only", only, 576, 0);
	btf__add_field(k->btf, "f", f, 288, 0);
}

FIXTURE(cut)
{
	struct kinds k;
	struct kl_raw raw;
	struct btf *btf;
	char *data;
	u32 size;
};

FIXTURE_SETUP(cut)
{
	const void *data;

	memset(self, 0, sizeof(*self));
	self->k.btf = btf__new_empty();
	add_small(&self->k);
	add_node(&self->k);
	data = btf__raw_data(self->k.btf, &self->size);
	self->data = malloc(self->size);
	memcpy(self->data, data, self->size);
	ASSERT_EQ(0, kl_raw_use(&self->raw, self->data, self->size, NULL));
}

FIXTURE_TEARDOWN(cut)
{
	btf__free(self->btf);
	kl_raw_free(&self->raw);
	btf__free(self->k.btf);
	free(self->data);
}

static const char *name_of(const struct btf *btf, u32 off)
{
	return btf__name_by_offset(btf, off);
}

/* The type of a member of the struct with id 1, behind pointers and names. */
static const struct btf_type *member(const struct btf *btf, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, 1);
	u32 i;

	for (i = 0; i < btf_vlen(type); i++)
		if (!strcmp(name, name_of(btf, btf_members(type)[i].name_off)))
			break;
	if (i == btf_vlen(type))
		return NULL;
	type = btf__type_by_id(btf, btf_members(type)[i].type);
	while (btf_is_ptr(type) || btf_is_const(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

TEST_F(cut, records)
{
	u32 id;

	ASSERT_EQ(btf__type_cnt(self->k.btf), self->raw.end);
	for (id = 1; id < self->raw.end; id++) {
		const struct btf_type *there = btf__type_by_id(self->k.btf, id);
		const struct btf_type *here = kl_raw_type(&self->raw, id);

		EXPECT_EQ(0, memcmp(there, here, kl_raw_size(here)));
		EXPECT_STREQ(name_of(self->k.btf, there->name_off),
			     kl_raw_name(&self->raw, here->name_off));
	}
	EXPECT_EQ(NULL, kl_raw_type(&self->raw, 0));
	EXPECT_EQ(NULL, kl_raw_type(&self->raw, self->raw.end));
	EXPECT_EQ(NULL, kl_raw_name(&self->raw, self->raw.string_size));
}

TEST_F(cut, what_is_in_it_is_whole)
{
	const struct btf_type *type;

	ASSERT_EQ(0, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	type = btf__type_by_id(self->btf, 1);
	EXPECT_STREQ("node", name_of(self->btf, type->name_off));
	EXPECT_EQ(80, type->size);
	EXPECT_EQ(9, btf_vlen(type));
	EXPECT_EQ(128, btf_member_bit_offset(type, 2));
	type = member(self->btf, "in");
	EXPECT_STREQ("inner", name_of(self->btf, type->name_off));
	ASSERT_EQ(1, btf_vlen(type));
	EXPECT_STREQ("x", name_of(self->btf, btf_members(type)->name_off));
	type = member(self->btf, "colour");
	EXPECT_STREQ("RED", name_of(self->btf, btf_enum(type)->name_off));
	EXPECT_EQ(7, btf_enum(type)->val);
	type = member(self->btf, "big");
	EXPECT_STREQ("HUGE", name_of(self->btf, btf_enum64(type)->name_off));
	EXPECT_EQ(1ULL << 40, btf_enum64_value(btf_enum64(type)));
	type = member(self->btf, "list");
	EXPECT_EQ(3, btf_array(type)->nelems);
	type = btf__type_by_id(self->btf, 1);
	EXPECT_EQ(24, btf__resolve_size(self->btf, btf_members(type)[6].type));
	EXPECT_EQ(BTF_KIND_FLOAT, btf_kind(member(self->btf, "f")));
}

/* A struct that is pointed to is there by name, and the one itself as both. */
TEST_F(cut, what_is_pointed_to_is_a_shell)
{
	const char * const shells[] = { "next", "same", "only" };
	const struct btf_type *type;

	ASSERT_EQ(0, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		type = member(self->btf, shells[i]);
		EXPECT_TRUE(btf_is_struct(type));
		EXPECT_STREQ(i < 2 ? "node" : "only", name_of(self->btf, type->name_off));
		EXPECT_EQ(0, btf_vlen(type));
	}
	/* What a function is given is compared as a whole. */
	type = member(self->btf, "fn");
	ASSERT_TRUE(btf_is_func_proto(type));
	EXPECT_STREQ("given", name_of(self->btf, btf_params(type)->name_off));
	type = btf__type_by_id(self->btf, btf_params(type)->type);
	EXPECT_STREQ("arg", name_of(self->btf, type->name_off));
	EXPECT_EQ(1, btf_vlen(type));
	EXPECT_EQ(-ENOENT, btf__find_by_name_kind(self->btf, "hidden", BTF_KIND_STRUCT));
}

/* A module's types stand on the kernel's. */
TEST_F(cut, modules)
{
	struct btf *split = btf__new_empty_split(self->k.btf);
	const struct btf_type *type;
	struct kl_names names = {};
	struct kl_raw raw = {};
	const void *data;
	u32 size;
	int id;

	id = btf__add_struct(split, "own", 88);
	btf__add_field(split, "of_kernel", self->k.inner, 0, 0);
	btf__add_field(split, "x", self->k.number, 64, 0);
	data = btf__raw_data(split, &size);
	ASSERT_EQ(0, kl_raw_use(&raw, data, size, &self->raw));
	EXPECT_EQ(self->raw.end, raw.first);
	ASSERT_EQ(0, kl_names_make(&names, &raw));
	EXPECT_EQ(id, kl_names_first(&names, "own", 3));
	ASSERT_EQ(0, kl_btf_cut(&raw, id, &self->btf));
	type = btf__type_by_id(self->btf, 1);
	EXPECT_STREQ("own", name_of(self->btf, type->name_off));
	EXPECT_STREQ("x", name_of(self->btf, btf_members(type)[1].name_off));
	type = member(self->btf, "of_kernel");
	EXPECT_STREQ("inner", name_of(self->btf, type->name_off));
	EXPECT_EQ(1, btf_vlen(type));
	kl_names_free(&names);
	kl_raw_free(&raw);
	btf__free(split);
}

/* More than the first chains take, all different. */
TEST_F(cut, many_members)
{
	struct btf *big = btf__new_empty();
	struct kl_raw raw = {};
	const void *data;
	char name[16];
	int i, last;
	u32 size;

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		btf__add_int(big, name, 4, 0);
	}
	last = btf__add_struct(big, "all", 4000);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		btf__add_field(big, name, 1000 - i, i * 32, 0);
	}
	data = btf__raw_data(big, &size);
	ASSERT_EQ(0, kl_raw_use(&raw, data, size, NULL));
	ASSERT_EQ(0, kl_btf_cut(&raw, last, &self->btf));
	EXPECT_EQ(1002, btf__type_cnt(self->btf));
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		const struct btf_type *type = member(self->btf, name);

		snprintf(name, sizeof(name), "n%d", 999 - i);
		EXPECT_STREQ(name, name_of(self->btf, type->name_off));
	}
	kl_raw_free(&raw);
	btf__free(big);
}

/* ------------------------------------------------------------------------
 * Damage: refused, or harmless; a sanitizer looks on
 */
static int use_and_cut_all(const char *data, u32 size)
{
	char *copy = malloc(size + !size);
	struct kl_raw raw = {};
	struct btf *btf;
	int ret, err;
	u32 id;

	memcpy(copy, data, size);
	ret = kl_raw_use(&raw, copy, size, NULL);
	for (id = 0; !ret && id <= raw.end; id++) {
		err = kl_btf_cut(&raw, id, &btf);
		if (err && id && id < raw.end)
			ret = 1;
		btf__free(btf);
	}
	kl_raw_free(&raw);
	free(copy);
	return ret;
}

TEST_F(cut, truncated)
{
	EXPECT_EQ(0, use_and_cut_all(self->data, self->size));
	for (u32 size = 0; size < self->size; size++)
		EXPECT_EQ(-EINVAL, use_and_cut_all(self->data, size));
}

TEST_F(cut, changed_bytes)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (u32 at = 0; at < self->size; at++) {
		char was = self->data[at];

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			self->data[at] = values[i];
			use_and_cut_all(self->data, self->size);
		}
		self->data[at] = was;
	}
}

static struct btf_type *record(FIXTURE_DATA(cut) * self, u32 id)
{
	return (struct btf_type *)kl_raw_type(&self->raw, id);
}

TEST_F(cut, forged)
{
	struct btf_type *node = record(self, self->k.node), was = *node;

	node->name_off = self->raw.string_size;
	EXPECT_EQ(-EINVAL, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	*node = was;
	btf_members(node)->name_off = U32_MAX;
	EXPECT_EQ(-EINVAL, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	btf_members(node)->name_off = 0;
	btf_members(node)->type = self->raw.end;
	EXPECT_EQ(-EINVAL, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	EXPECT_EQ(NULL, self->btf);
	/* A record that a type can't be of */
	btf_members(node)->type = self->k.inner;
	record(self, self->k.inner)->info = (u32)BTF_KIND_FUNC << 24;
	EXPECT_EQ(-EINVAL, kl_btf_cut(&self->raw, self->k.node, &self->btf));
	EXPECT_EQ(-ENOENT, kl_raw_read(&(struct kl_raw){}, "/nonexistent", NULL));
}

TEST_HARNESS_MAIN
