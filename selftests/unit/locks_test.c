// SPDX-License-Identifier: GPL-2.0-only
/* Where libkapsel finds the lock of a map's value: by the rules that Linux has */

#include <elf.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "../tools/lib/object.h"

#define NONE 0xffffffff

FIXTURE(locks) {
	struct btf *btf;
	int lock;		/* ids of types */
	int number;
	struct kapsel_map map;
	struct kl_symbol symbols[2];
	struct kapsel_object obj;
};

FIXTURE_SETUP(locks)
{
	self->btf = btf__new_empty();
	self->number = btf__add_int(self->btf, "unsigned int", 4, 0);
	self->lock = btf__add_struct(self->btf, "bpf_spin_lock", 4);
	ASSERT_EQ(0, btf__add_field(self->btf, "val", self->number, 0, 0));
	self->map = (struct kapsel_map){ .type = BPF_MAP_TYPE_HASH, .value_size = 16 };
	self->obj.btf = self->btf;
	self->obj.maps = &self->map;
	self->obj.nr_maps = 1;
	self->obj.symbols = self->symbols;
}

FIXTURE_TEARDOWN(locks)
{
	btf__free(self->btf);
}

/* A value of 16 bytes, with members of type @a and @b at bits @at_a and @at_b. */
static int value(struct btf *btf, int a, __u32 at_a, int b, __u32 at_b)
{
	int id = btf__add_struct(btf, "value", 16);

	btf__add_field(btf, "a", a, at_a, 0);
	btf__add_field(btf, "b", b, at_b, 0);
	return id;
}

static __u32 found(struct kapsel_object *obj)
{
	obj->maps->lock_size = 0;
	obj->maps->lock_off = 0;
	kl_locks_find(obj);
	return obj->maps->lock_size == 4 ? obj->maps->lock_off : NONE;
}

TEST_F(locks, a_member_of_the_value)
{
	self->map.value_type = value(self->btf, self->lock, 0, self->number, 32);
	EXPECT_EQ(0, found(&self->obj));
	self->map.value_type = value(self->btf, self->number, 0, self->lock, 96);
	EXPECT_EQ(12, found(&self->obj));
	self->map.value_type = btf__add_typedef(self->btf, "value_t", self->map.value_type);
	EXPECT_EQ(12, found(&self->obj));
	self->map.value_type = value(self->btf, self->number, 0, self->number, 32);
	EXPECT_EQ(NONE, found(&self->obj));
	self->map.value_type = 0;
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_F(locks, only_one)
{
	self->map.value_type = value(self->btf, self->lock, 0, self->lock, 32);
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_F(locks, aligned_and_inside)
{
	self->map.value_type = value(self->btf, self->number, 0, self->lock, 48);
	EXPECT_EQ(NONE, found(&self->obj));
	self->map.value_type = value(self->btf, self->number, 0, self->lock, 33);
	EXPECT_EQ(NONE, found(&self->obj));
	self->map.value_type = value(self->btf, self->number, 0, self->lock, 128);
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_F(locks, at_the_top_and_by_its_name)
{
	int named = btf__add_typedef(self->btf, "bpf_spin_lock", self->lock), inside, wide, array;

	self->map.value_type = value(self->btf, named, 0, self->number, 32);
	EXPECT_EQ(NONE, found(&self->obj));
	inside = btf__add_struct(self->btf, "inside", 4);
	btf__add_field(self->btf, "lock", self->lock, 0, 0);
	self->map.value_type = value(self->btf, inside, 0, self->number, 32);
	EXPECT_EQ(NONE, found(&self->obj));
	wide = btf__add_struct(self->btf, "bpf_spin_lock", 8);
	self->map.value_type = value(self->btf, wide, 0, self->number, 64);
	EXPECT_EQ(NONE, found(&self->obj));
	array = btf__add_array(self->btf, self->number, self->lock, 2);
	self->map.value_type = value(self->btf, array, 0, self->number, 64);
	EXPECT_EQ(NONE, found(&self->obj));
	self->map.value_type = btf__add_volatile(self->btf, self->lock);
	self->map.value_type = value(self->btf, self->map.value_type, 0, self->number, 32);
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_F(locks, maps_that_have_none)
{
	static const __u32 types[] = {
		BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY,
		BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_LPM_TRIE,
	};

	self->map.value_type = value(self->btf, self->lock, 0, self->number, 32);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		self->map.type = types[i];
		EXPECT_EQ(NONE, found(&self->obj));
	}
	self->map.type = BPF_MAP_TYPE_ARRAY;
	EXPECT_EQ(0, found(&self->obj));
	self->map.flags = BPF_F_RDONLY_PROG;
	EXPECT_EQ(NONE, found(&self->obj));
	self->map.flags = 0;
	self->obj.btf = NULL;
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_F(locks, a_global_variable)
{
	int looks_like = btf__add_const(self->btf, self->lock);

	self->map.type = BPF_MAP_TYPE_ARRAY;
	self->map.section = 3;
	btf__add_var(self->btf, "guard", BTF_VAR_STATIC, self->lock);
	btf__add_var(self->btf, "other", BTF_VAR_STATIC, self->number);
	btf__add_var(self->btf, "fixed", BTF_VAR_STATIC, looks_like);
	self->obj.nr_symbols = 2;
	self->symbols[0] = (struct kl_symbol){
		.name = "other", .type = STT_OBJECT, .section = 3, .size = 4,
	};
	self->symbols[1] = (struct kl_symbol){
		.name = "guard", .type = STT_OBJECT, .section = 3, .value = 8, .size = 4,
	};
	EXPECT_EQ(8, found(&self->obj));
	self->symbols[1].section = 4;
	EXPECT_EQ(NONE, found(&self->obj));
	self->symbols[1].section = 3;
	self->symbols[1].value = 14;
	EXPECT_EQ(NONE, found(&self->obj));
	self->symbols[1].value = 8;
	self->symbols[0].name = "guard";
	EXPECT_EQ(NONE, found(&self->obj));
	self->obj.nr_symbols = 1;
	EXPECT_EQ(0, found(&self->obj));
	self->symbols[0].name = "fixed";
	EXPECT_EQ(NONE, found(&self->obj));
}

TEST_HARNESS_MAIN
