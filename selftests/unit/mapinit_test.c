// SPDX-License-Identifier: GPL-2.0-only
/*
 * What maps hold at first: .values of program arrays, from definitions in BTF and
 * relocations of .maps. The objects are put together here.
 */

#include <elf.h>
#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"

#define VALUES	32		/* offset in the definition: behind four pointers */
#define ENTRIES	4		/* that the object has room for */
#define DEF	(VALUES + 8 * ENTRIES)
#define IN	DEF		/* where the definition of the other map begins */

/* caller: r2 = map ll; r3 = 2; call tail_call; r0 = 1; exit. called: r0 = 7; exit. */
static const struct bpf_insn insns[] = {
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 2 }, {},
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 2 },
	{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
	{ .code = BPF_JMP | BPF_EXIT },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 7 },
	{ .code = BPF_JMP | BPF_EXIT },
};

#define CALLER_SLOTS	6
#define CALLED_SLOTS	2

FIXTURE(mapinit) {
	struct elf_build eb;
	struct btf *btf;
	struct kapsel_error err;
	struct kapsel_object *obj;
	u32 maps;		/* section */
	u32 code;		/* section */
	u32 map_sym;
	u32 called_sym;
	u32 type;		/* enum bpf_map_type */
	u32 max_entries;
	s32 values_at;		/* byte of the definition; -1: it has no such member */
	u32 inner_type;		/* of those in the map; 0: its values are no maps */
	u32 in_type;		/* of the other map */
	u32 in_sym;
	char data[DEF + VALUES];
};

FIXTURE_SETUP(mapinit)
{
	self->type = BPF_MAP_TYPE_PROG_ARRAY;
	self->max_entries = 3;
	self->values_at = VALUES;
	self->btf = btf__new_empty();
	ASSERT_NE(NULL, self->btf);
	elf_build_init(&self->eb);
}

FIXTURE_TEARDOWN(mapinit)
{
	kapsel_close(self->obj);
	btf__free(self->btf);
	elf_build_free(&self->eb);
}

#define NUMBERS	4

/* A map of one number, and a variable of that type. */
static int define_other(struct btf *btf, int number, u32 type, const char *name)
{
	static const char *const names[] = { "type", "max_entries", "key_size", "value_size" };
	const u32 numbers[NUMBERS] = { type, 1, 4, 8 };
	int ids[NUMBERS], def;

	for (u32 i = 0; i < NUMBERS; i++)
		ids[i] = btf__add_ptr(btf, btf__add_array(btf, number, number, numbers[i]));
	def = btf__add_struct(btf, NULL, VALUES);
	for (u32 i = 0; i < NUMBERS; i++)
		btf__add_field(btf, names[i], ids[i], 64 * i, 0);
	btf__add_var(btf, name, BTF_VAR_GLOBAL_ALLOCATED, def);
	return def;
}

/* __uint(NAME, N) is a pointer to an array of N; types are made before the struct is. */
static void define(struct _test_data_mapinit *self)
{
	static const char *const names[] = { "type", "max_entries", "key_size", "value_size" };
	const u32 numbers[NUMBERS] = { self->type, self->max_entries, 4, 4 };
	struct btf *btf = self->btf;
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), held = number;
	int def, var, values, ids[NUMBERS];

	if (self->inner_type)
		held = define_other(btf, number, self->inner_type, "like");
	define_other(btf, number, self->in_type ?: BPF_MAP_TYPE_ARRAY, "in");
	for (u32 i = 0; i < NUMBERS; i++)
		ids[i] = btf__add_ptr(btf, btf__add_array(btf, number, number, numbers[i]));
	values = btf__add_array(btf, number, btf__add_ptr(btf, held), 0);
	def = btf__add_struct(btf, NULL, VALUES);
	for (u32 i = 0; i < NUMBERS; i++)
		btf__add_field(btf, names[i], ids[i], 64 * i, 0);
	if (self->values_at >= 0)
		btf__add_field(btf, "values", values, self->values_at * 8, 0);
	var = btf__add_var(btf, "map", BTF_VAR_GLOBAL_ALLOCATED, def);
	btf__add_datasec(btf, ".maps", DEF);
	btf__add_datasec_var_info(btf, var, 0, DEF);
}

static void relocate(struct elf_build *eb, u32 section, u64 off, u64 info)
{
	const Elf64_Rel rel = { .r_offset = off, .r_info = info };

	elf_build_relocs(eb, section, &rel, 1);
}

static void build(struct _test_data_mapinit *self)
{
	struct elf_build *eb = &self->eb;
	const void *raw;
	u32 size;

	define(self);
	raw = btf__raw_data(self->btf, &size);
	self->code = elf_build_section(eb, "kprobe/vfs_read", SHT_PROGBITS,
				       SHF_ALLOC | SHF_EXECINSTR, insns, sizeof(insns));
	self->maps = elf_build_section(eb, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE,
				       self->data, sizeof(self->data));
	elf_build_section(eb, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
	elf_build_section(eb, ".BTF", SHT_PROGBITS, 0, raw, size);
	elf_build_symbol(eb, "caller", self->code, 0, 8 * CALLER_SLOTS, STT_FUNC, STB_GLOBAL);
	self->called_sym = elf_build_symbol(eb, "called", self->code, 8 * CALLER_SLOTS,
					    8 * CALLED_SLOTS, STT_FUNC, STB_GLOBAL);
	self->map_sym = elf_build_symbol(eb, "map", self->maps, 0, DEF, STT_OBJECT, STB_GLOBAL);
	self->in_sym = elf_build_symbol(eb, "in", self->maps, IN, VALUES, STT_OBJECT, STB_GLOBAL);
	relocate(eb, self->code, 0, ELF64_R_INFO(self->map_sym, 1));
}

static void open_it(struct _test_data_mapinit *self)
{
	elf_build_finish(&self->eb);
	self->obj = kapsel_open_mem(self->eb.image.data, self->eb.image.size, "test.o",
				    &self->err);
}

/* The entry at byte @off of .maps is @sym. */
static void hold(struct _test_data_mapinit *self, u64 off, u32 sym)
{
	relocate(&self->eb, self->maps, off, ELF64_R_INFO(sym, 2));
}

#define EXPECT_REFUSED(word) do {						\
	open_it(self);								\
	EXPECT_EQ(NULL, self->obj);						\
	EXPECT_NE(NULL, strstr(self->err.text, word)) {				\
		TH_LOG("says: %s", self->err.text);				\
	}									\
} while (0)

TEST_F(mapinit, program)
{
	struct kapsel_prog *caller, *called;
	struct kapsel_run_result run;
	struct kapsel_run_opts opts = {};
	struct kapsel_result res;
	struct kapsel_map *map;

	build(self);
	hold(self, VALUES + 16, self->called_sym);
	open_it(self);
	ASSERT_NE(NULL, self->obj) TH_LOG("%s", self->err.text);
	map = kapsel_map_find(self->obj, "map");
	ASSERT_EQ(1, map->nr_initial);
	EXPECT_EQ(2, map->initial[0].index);
	called = kapsel_prog_find(self->obj, "called");
	caller = kapsel_prog_find(self->obj, "caller");
	EXPECT_EQ(called, kapsel_prog_at(self->obj, map->initial[0].target));
	EXPECT_TRUE(kapsel_map_holds(map, called));
	EXPECT_FALSE(kapsel_map_holds(map, caller));
	EXPECT_TRUE(kapsel_tail_calls(caller));
	EXPECT_FALSE(kapsel_tail_calls(called));
	EXPECT_EQ(0, kapsel_run_offline(caller, &opts, NULL, &run, &res, &self->err));
	EXPECT_EQ(7, run.retval);
	EXPECT_EQ(5, run.insns);
	kapsel_result_free(&res);
}

/* In a circle, as often as there are tail calls. */
TEST_F(mapinit, program_that_calls_itself)
{
	struct kapsel_run_opts opts = { .repeat = 3 };
	struct kapsel_run_result run;
	struct kapsel_result res;

	build(self);
	hold(self, VALUES + 16, self->called_sym - 1);
	open_it(self);
	ASSERT_NE(NULL, self->obj);
	EXPECT_EQ(0, kapsel_run_offline(kapsel_prog_find(self->obj, "caller"), &opts, NULL, &run,
					&res, &self->err));
	EXPECT_EQ(1, run.retval);
	EXPECT_EQ(3 * (KAPSEL_MAX_TAIL_CALLS + 1) + 2, run.insns);
	kapsel_result_free(&res);
}

TEST_F(mapinit, nothing)
{
	struct kapsel_run_opts opts = {};
	struct kapsel_run_result run;
	struct kapsel_result res;

	build(self);
	open_it(self);
	ASSERT_NE(NULL, self->obj);
	EXPECT_EQ(0, kapsel_map_at(self->obj, 0)->nr_initial);
	EXPECT_EQ(0, kapsel_run_offline(kapsel_prog_find(self->obj, "caller"), &opts, NULL, &run,
					&res, &self->err));
	EXPECT_EQ(1, run.retval);
	kapsel_result_free(&res);
}

TEST_F(mapinit, beyond_the_array)
{
	build(self);
	hold(self, VALUES + 24, self->called_sym);
	EXPECT_REFUSED("beyond max_entries");
}

TEST_F(mapinit, between_entries)
{
	build(self);
	hold(self, VALUES + 4, self->called_sym);
	EXPECT_REFUSED("of no map's values");
}

TEST_F(mapinit, outside_of_the_section)
{
	build(self);
	hold(self, DEF, self->called_sym);
	EXPECT_REFUSED("of no map's values");
}

TEST_F(mapinit, before_the_values)
{
	build(self);
	hold(self, 8, self->called_sym);
	EXPECT_REFUSED("of no map's values");
}

TEST_F(mapinit, no_such_member)
{
	self->values_at = -1;
	build(self);
	hold(self, VALUES, self->called_sym);
	EXPECT_REFUSED("of no map's values");
}

TEST_F(mapinit, member_behind_the_variable)
{
	self->values_at = DEF + 8;
	build(self);
	EXPECT_REFUSED("malformed definition of 'values'");
}

TEST_F(mapinit, middle_of_a_function)
{
	build(self);
	hold(self, VALUES, elf_build_symbol(&self->eb, "inside", self->code, 8, 8, STT_NOTYPE,
					    STB_GLOBAL));
	EXPECT_REFUSED("no program that kapsel can load");
}

TEST_F(mapinit, undefined)
{
	build(self);
	hold(self, VALUES, elf_build_symbol(&self->eb, "nowhere", 0, 0, 0, STT_NOTYPE, STB_GLOBAL));
	EXPECT_REFUSED("not defined");
}

TEST_F(mapinit, unknown_symbol)
{
	build(self);
	hold(self, VALUES, 1000);
	EXPECT_REFUSED("of no map's values");
}

TEST_F(mapinit, map_in_a_program_array)
{
	build(self);
	hold(self, VALUES, self->map_sym);
	EXPECT_REFUSED("no program that kapsel can load");
}

TEST_F(mapinit, program_in_another_map)
{
	self->type = BPF_MAP_TYPE_ARRAY;
	build(self);
	hold(self, VALUES, self->called_sym);
	EXPECT_REFUSED("not for a map of this type");
}

static void of_maps(struct _test_data_mapinit *self)
{
	self->type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	self->inner_type = BPF_MAP_TYPE_ARRAY;
}

TEST_F(mapinit, map_in_a_map)
{
	struct kapsel_map *map;

	of_maps(self);
	build(self);
	hold(self, VALUES + 8, self->in_sym);
	open_it(self);
	ASSERT_NE(NULL, self->obj) TH_LOG("%s", self->err.text);
	map = kapsel_map_find(self->obj, "map");
	ASSERT_NE(NULL, map->inner);
	EXPECT_EQ(BPF_MAP_TYPE_ARRAY, map->inner->type);
	EXPECT_EQ(8, map->inner->value_size);
	EXPECT_EQ(4, map->value_size);
	ASSERT_EQ(1, map->nr_initial);
	EXPECT_EQ(1, map->initial[0].index);
	EXPECT_EQ(kapsel_map_find(self->obj, "in"),
		  kapsel_map_at(self->obj, map->initial[0].target));
}

TEST_F(mapinit, map_that_is_not_like_the_others)
{
	of_maps(self);
	self->in_type = BPF_MAP_TYPE_HASH;
	build(self);
	hold(self, VALUES, self->in_sym);
	EXPECT_REFUSED("not like the map that its definition has");
}

TEST_F(mapinit, program_in_a_map_of_maps)
{
	of_maps(self);
	build(self);
	hold(self, VALUES, self->called_sym);
	EXPECT_REFUSED("no map");
}

TEST_F(mapinit, maps_of_what)
{
	self->type = BPF_MAP_TYPE_HASH_OF_MAPS;
	build(self);
	EXPECT_REFUSED("is missing");
}

TEST_F(mapinit, maps_of_maps_of_maps)
{
	of_maps(self);
	self->inner_type = BPF_MAP_TYPE_HASH_OF_MAPS;
	build(self);
	EXPECT_REFUSED("hold no maps or programs");
}

TEST_F(mapinit, maps_of_programs)
{
	of_maps(self);
	self->inner_type = BPF_MAP_TYPE_PROG_ARRAY;
	build(self);
	EXPECT_REFUSED("hold no maps or programs");
}

TEST_HARNESS_MAIN
