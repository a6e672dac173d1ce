// SPDX-License-Identifier: GPL-2.0-only
/* How functions are called, from BTF: which take and give all in registers */

#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "core/signature.h"
#include "kselftest_harness.h"

FIXTURE(signature)
{
	struct btf *btf;
	int i32, u64, i128, real, ptr, named, colour;
	int pair, single, packed, wide, nested, bits, both, empty;
};

static int add_struct(struct btf *btf, const char *name, __u32 size, int type, __u32 first,
		      int more, __u32 second)
{
	int id = btf__add_struct(btf, name, size);

	btf__add_field(btf, "first", type, first * 8, 0);
	if (more)
		btf__add_field(btf, "second", more, second * 8, 0);
	return id;
}

/* A chain of names and qualifiers, as the kernel's types have them. */
static int add_named(struct btf *btf, int type)
{
	type = btf__add_typedef(btf, "number", type);
	type = btf__add_const(btf, type);
	type = btf__add_volatile(btf, type);
	return btf__add_typedef(btf, "number_t", btf__add_restrict(btf, type));
}

FIXTURE_SETUP(signature)
{
	struct btf *btf = btf__new_empty();

	ASSERT_TRUE(btf);
	self->btf = btf;
	self->i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	self->u64 = btf__add_int(btf, "u64", 8, 0);
	self->i128 = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	self->real = btf__add_float(btf, "double", 8);
	self->ptr = btf__add_ptr(btf, 0);
	self->named = add_named(btf, self->i32);
	self->colour = btf__add_enum(btf, "colour", 4);
	btf__add_enum_value(btf, "RED", 0);
	self->single = add_struct(btf, "single", 4, self->i32, 0, 0, 0);
	self->pair = add_struct(btf, "pair", 16, self->ptr, 0, self->u64, 8);
	self->packed = add_struct(btf, "packed", 12, self->i32, 0, self->u64, 4);
	self->wide = add_struct(btf, "wide", 24, self->u64, 0, self->u64, 16);
	self->nested = add_struct(btf, "nested", 8, self->single, 0, self->i32, 4);
	self->bits = btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "low", self->i32, 0, 3);
	self->both = btf__add_union(btf, "both", 8);
	btf__add_field(btf, "number", self->u64, 0, 0);
	btf__add_field(btf, "pointer", self->ptr, 0, 0);
	self->empty = btf__add_struct(btf, "empty", 0);
}

FIXTURE_TEARDOWN(signature)
{
	btf__free(self->btf);
}

/* A function "f" with these parameters, until a -1; 0 is void. */
static int function(struct btf *btf, const char *name, int gives, const int *takes)
{
	int proto = btf__add_func_proto(btf, gives);

	for (; *takes >= 0; takes++)
		btf__add_func_param(btf, *takes ? "p" : NULL, *takes);
	return btf__add_func(btf, name, BTF_FUNC_STATIC, proto);
}

static enum kps_signature find(const struct btf *btf, const char *name)
{
	__u32 size;
	const void *data = btf__raw_data(btf, &size);
	void *copy = malloc(size);
	enum kps_signature is;

	memcpy(copy, data, size);
	is = kps_signature_find(copy, size, name);
	free(copy);
	return is;
}

#define END	-1

#define EXPECT_SIGNATURE(is, gives, ...) do {				\
	char _name[16];							\
	snprintf(_name, sizeof(_name), "f%d", __LINE__);		\
	int _takes[] = { __VA_ARGS__, -1 };				\
	function(self->btf, _name, gives, _takes);			\
	EXPECT_EQ(KPS_SIGNATURE_##is, find(self->btf, _name));		\
} while (0)

TEST_F(signature, numbers_and_pointers)
{
	int i = self->i32, u = self->u64, p = self->ptr, n = self->named, c = self->colour;

	EXPECT_SIGNATURE(REGISTERS, 0, END);
	EXPECT_SIGNATURE(REGISTERS, i, i);
	EXPECT_SIGNATURE(REGISTERS, n, i, u, p, n, c, u);
	EXPECT_SIGNATURE(MEMORY, n, i, u, p, n, c, u, i);
	EXPECT_SIGNATURE(REGISTERS, c, self->i128, self->i128, self->i128);
	EXPECT_SIGNATURE(MEMORY, c, self->i128, self->i128, self->i128, i);
	EXPECT_SIGNATURE(REGISTERS, self->i128, END);
	EXPECT_SIGNATURE(MEMORY, 0, self->real);
	EXPECT_SIGNATURE(MEMORY, self->real, END);
}

TEST_F(signature, arguments_that_vary)
{
	EXPECT_SIGNATURE(MEMORY, 0, self->ptr, 0);
	EXPECT_SIGNATURE(MEMORY, 0, 0);
}

TEST_F(signature, structs_by_value)
{
	int u = self->u64;

	EXPECT_SIGNATURE(REGISTERS, 0, self->single);
	EXPECT_SIGNATURE(REGISTERS, self->pair, self->pair, self->both, u, u, u);
	EXPECT_SIGNATURE(MEMORY, 0, self->pair, self->both, u, u, u, u);
	EXPECT_SIGNATURE(MEMORY, 0, self->packed);
	EXPECT_SIGNATURE(MEMORY, self->packed, END);
	EXPECT_SIGNATURE(MEMORY, 0, self->wide);
	EXPECT_SIGNATURE(MEMORY, self->wide, END);
	EXPECT_SIGNATURE(MEMORY, 0, self->nested);
	EXPECT_SIGNATURE(MEMORY, 0, self->bits);
	EXPECT_SIGNATURE(MEMORY, 0, self->empty);
}

TEST_F(signature, names)
{
	int takes[] = { self->u64, -1 }, other;

	function(self->btf, "once", 0, takes);
	function(self->btf, "twice", 0, takes);
	function(self->btf, "twice", 0, takes);
	EXPECT_EQ(KPS_SIGNATURE_REGISTERS, find(self->btf, "once"));
	EXPECT_EQ(KPS_SIGNATURE_UNKNOWN, find(self->btf, "twice"));
	EXPECT_EQ(KPS_SIGNATURE_UNKNOWN, find(self->btf, "never"));
	/* A type of that name is no function, and does not stand in its way. */
	other = btf__add_struct(self->btf, "once", 8);
	EXPECT_LT(0, other);
	EXPECT_EQ(KPS_SIGNATURE_REGISTERS, find(self->btf, "once"));
	EXPECT_EQ(KPS_SIGNATURE_UNKNOWN, find(self->btf, "pair"));
}

/* A chain that ends nowhere, or in itself. */
TEST_F(signature, types_that_are_no_types)
{
	int id = btf__add_typedef(self->btf, "loop", btf__type_cnt(self->btf));

	EXPECT_SIGNATURE(MEMORY, 0, id);
	EXPECT_SIGNATURE(MEMORY, id, END);
	id = btf__add_typedef(self->btf, "nowhere", 12345);
	EXPECT_SIGNATURE(MEMORY, 0, id);
	id = btf__add_typedef(self->btf, "nothing", 0);
	EXPECT_SIGNATURE(MEMORY, 0, id);
}

/* No byte outside is read, and what is cut off says nothing. */
TEST_F(signature, cut_off_anywhere)
{
	int takes[] = { self->ptr, self->pair, self->named, -1 };
	const void *data;
	__u32 size;

	function(self->btf, "f", self->i32, takes);
	data = btf__raw_data(self->btf, &size);
	for (__u32 cut = 0; cut < size; cut++) {
		void *copy = malloc(cut ?: 1);

		memcpy(copy, data, cut);
		EXPECT_EQ(KPS_SIGNATURE_UNKNOWN, kps_signature_find(copy, cut, "f"));
		free(copy);
	}
}

TEST_F(signature, changed_anywhere)
{
	int takes[] = { self->ptr, self->pair, self->named, -1 };
	const void *data;
	__u32 size;
	__u8 *copy;

	function(self->btf, "f", self->i32, takes);
	data = btf__raw_data(self->btf, &size);
	copy = malloc(size);
	for (__u32 at = 0; at < size; at++) {
		for (int value = 0; value < 256; value++) {
			memcpy(copy, data, size);
			copy[at] = value;
			EXPECT_GE(KPS_SIGNATURE_MEMORY, kps_signature_find(copy, size, "f"));
		}
	}
	free(copy);
}

TEST_HARNESS_MAIN
