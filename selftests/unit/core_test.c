// SPDX-License-Identifier: GPL-2.0-only
/*
 * CO-RE relocations: each kind, of each field, type and enumerator, beside what
 * libbpf makes of the same object and the same kernel's types
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"

/* No relocation gives this number. */
#define UNTOUCHED 12345

static const char section[] = "kprobe/vfs_read";

#define FIRST_MATCH 4	/* ids from here on are asked whether they match */
#define MAX_IDS 32
#define NO_POINTER (FIRST_MATCH + 21)	/* a pointer that the kernel has as a number */

/** struct types - the types that relocations speak of, in the program's BTF */
struct types {
	struct btf *btf;
	int ids[MAX_IDS];
	u32 matches;
	u32 section;
};

static int add_numbers(struct btf *btf, bool kernel)
{
	int id = btf__add_enum(btf, kernel ? "number" : "number___mine", 4);

	btf__add_enum_value(btf, "ZERO", 0);
	btf__add_enum_value(btf, "SEVEN", kernel ? 77 : 7);
	if (!kernel)
		btf__add_enum_value(btf, "GONE", 9);
	return id;
}

/* In the kernel's, fields lie elsewhere and some have another width. */
static int add_outer(struct btf *btf, bool kernel, int number)
{
	int int_type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int long_type = btf__add_int(btf, "unsigned long", 8, 0), array, inner, outer;

	array = btf__add_array(btf, int_type, long_type, 4);
	inner = btf__add_struct(btf, "inner", kernel ? 16 : 8);
	btf__add_field(btf, "deep", kernel ? long_type : int_type, kernel ? 64 : 0, 0);
	btf__add_field(btf, kernel ? "renamed" : "named", int_type, kernel ? 0 : 32, 0);
	outer = btf__add_struct(btf, "outer", kernel ? 80 : 64);
	btf__add_field(btf, "first", int_type, kernel ? 512 : 0, 0);
	btf__add_field(btf, "inner", inner, 64, 0);
	btf__add_field(btf, "array", array, kernel ? 192 : 128, 0);
	btf__add_field(btf, "bits", int_type, kernel ? 550 : 390, kernel ? 9 : 3);
	btf__add_field(btf, "choice", number, kernel ? 576 : 416, 0);
	if (!kernel)
		btf__add_field(btf, "gone", int_type, 448, 0);
	return outer;
}

static int pointer_to(struct btf *btf, int type)
{
	return btf__add_ptr(btf, type);
}

/* A struct of one member, whose type is what is asked about. */
static int holder(struct btf *btf, const char *name, int type)
{
	int id = btf__add_struct(btf, name, 8);

	btf__add_field(btf, "x", type, 0, 0);
	return id;
}

static int function_of(struct btf *btf, int ret, int param, bool two)
{
	int id = btf__add_func_proto(btf, ret);

	btf__add_func_param(btf, "a", param);
	if (two)
		btf__add_func_param(btf, "b", param);
	return id;
}

/* Pairs that match, each beside the nearest that does not: by width, sign, word... */
static void add_matching(struct types *types, bool kernel)
{
	struct btf *btf = types->btf;
	int *to = &types->ids[FIRST_MATCH], s32, u32_type, u64_type, self, fwd, e;

	s32 = btf__find_by_name(btf, "int");
	u64_type = btf__find_by_name(btf, "unsigned long");
	u32_type = btf__add_int(btf, "unsigned int", 4, 0);
	*to++ = holder(btf, "same_int", s32);
	*to++ = holder(btf, "other_sign", kernel ? u32_type : s32);
	*to++ = holder(btf, "other_width", kernel ? u64_type : u32_type);
	*to++ = holder(btf, "same_array", btf__add_array(btf, s32, u64_type, 4));
	*to++ = holder(btf, "other_length", btf__add_array(btf, s32, u64_type, kernel ? 5 : 4));
	*to++ = holder(btf, "by_pointer", pointer_to(btf, kernel ? types->ids[0] : types->ids[0]));
	fwd = btf__add_fwd(btf, "outer", BTF_FWD_STRUCT);
	*to++ = holder(btf, "to_forward", pointer_to(btf, kernel ? types->ids[0] : fwd));
	*to++ = holder(btf, "from_forward", pointer_to(btf, kernel ? fwd : types->ids[0]));
	fwd = btf__add_fwd(btf, "outer", BTF_FWD_UNION);
	*to++ = holder(btf, "other_forward", pointer_to(btf, kernel ? types->ids[0] : fwd));
	*to++ = holder(btf, "by_value", types->ids[0]);
	self = btf__add_struct(btf, "itself", 8);
	btf__add_field(btf, "next", pointer_to(btf, self), 0, 0);
	*to++ = self;
	*to++ = holder(btf, "function", pointer_to(btf, function_of(btf, s32, u64_type, true)));
	*to++ = holder(btf, "fewer", pointer_to(btf, function_of(btf, s32, u64_type, !kernel)));
	*to++ = holder(btf, "returns", pointer_to(btf, function_of(btf, kernel ? 0 : s32,
								   u64_type, false)));
	e = btf__add_enum(btf, "words", 4);
	btf__add_enum_value(btf, "ONE", kernel ? 5 : 1);
	if (kernel)
		btf__add_enum_value(btf, "TWO", 2);
	*to++ = e;
	*to++ = types->ids[1];
	e = btf__add_enum(btf, "wide", kernel ? 8 : 4);
	btf__add_enum_value(btf, "ONE", 1);
	*to++ = e;
	*to++ = holder(btf, "qualified", kernel ? btf__add_const(btf, s32) :
		       btf__add_typedef(btf, "int_t", s32));
	*to++ = holder(btf, kernel ? "flavoured" : "flavoured___v2", s32);
	e = btf__add_union(btf, "either", 8);
	btf__add_field(btf, "a", s32, 0, 0);
	if (kernel)
		btf__add_field(btf, "b", u64_type, 0, 0);
	*to++ = e;
	e = kernel ? btf__add_union(btf, "kind", 8) : btf__add_struct(btf, "kind", 8);
	btf__add_field(btf, "a", s32, 0, 0);
	*to++ = e;
	*to++ = holder(btf, "no_pointer", kernel ? u64_type : pointer_to(btf, s32));
	types->matches = to - &types->ids[FIRST_MATCH];
}

static void make_types(struct types *types, bool kernel)
{
	struct btf *btf = btf__new_empty();

	types->btf = btf;
	types->ids[1] = add_numbers(btf, kernel);
	types->ids[0] = add_outer(btf, kernel, types->ids[1]);
	types->ids[2] = btf__add_struct(btf, kernel ? "other" : "missing", 4);
	btf__add_field(btf, "x", types->ids[1], 0, 0);
	types->ids[3] = btf__add_typedef(btf, "alias", types->ids[0]);
	add_matching(types, kernel);
	types->section = btf__add_str(btf, section);
}

/** struct ext - .BTF.ext with one relocation */
struct ext {
	u16 magic;
	u8 version;
	u8 flags;
	u32 hdr_len;
	u32 off_len[6];
	u32 core_size;
	u32 section;
	u32 count;
	u32 relo[4];
};

/* @was: what the program's own types would give, as the compiler puts it there. */
static void build(struct elf_build *eb, u32 which, const char *access, u32 kind, s32 was)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = was },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct ext ext = {
		.magic = BTF_MAGIC, .version = 1, .hdr_len = 32,
		.off_len = { [5] = sizeof(ext) - offsetof(struct ext, core_size) },
		.core_size = 16, .count = 1,
	};
	struct types types;
	const void *data;
	u32 code, size;

	make_types(&types, false);
	ext.section = types.section;
	ext.relo[1] = types.ids[which];
	ext.relo[2] = btf__add_str(types.btf, access);
	ext.relo[3] = kind;
	elf_build_init(eb);
	code = elf_build_section(eb, section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns,
				 sizeof(insns));
	elf_build_symbol(eb, "prog", code, 0, sizeof(insns), STT_FUNC, STB_GLOBAL);
	elf_build_section(eb, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, "GPL", 4);
	data = btf__raw_data(types.btf, &size);
	elf_build_section(eb, ".BTF", SHT_PROGBITS, 0, data, size);
	elf_build_section(eb, ".BTF.ext", SHT_PROGBITS, 0, &ext, sizeof(ext));
	elf_build_finish(eb);
	btf__free(types.btf);
}

FIXTURE(core)
{
	struct elf_build eb;
	struct kapsel_error err;
	char kernel[40];
	char own[40];
};

static int write_types(char *path, bool kernel)
{
	struct types types;
	const void *data;
	u32 size;
	int fd, ret;

	strcpy(path, "/tmp/kapsel-btf-XXXXXX");
	fd = mkstemp(path);
	make_types(&types, kernel);
	data = btf__raw_data(types.btf, &size);
	ret = write(fd, data, size) == size ? 0 : -EIO;
	close(fd);
	btf__free(types.btf);
	return ret;
}

FIXTURE_SETUP(core)
{
	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, write_types(self->kernel, true));
	ASSERT_EQ(0, write_types(self->own, false));
	setenv("KAPSEL_BTF", self->kernel, 1);
}

FIXTURE_TEARDOWN(core)
{
	unlink(self->kernel);
	unlink(self->own);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* The first instruction as libbpf leaves it; it may refuse to be loaded then. */
static bool by_libbpf(FIXTURE_DATA(core) * self, struct bpf_insn *insn)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "c",
		    .btf_custom_path = self->kernel);
	struct bpf_object *obj;
	struct bpf_program *prog;
	bool ok = false;

	libbpf_set_print(quiet);
	obj = bpf_object__open_mem(self->eb.image.data, self->eb.image.size, &opts);
	prog = obj ? bpf_object__find_program_by_name(obj, "prog") : NULL;
	if (prog) {
		bpf_object__load(obj);
		*insn = bpf_program__insns(prog)[0];
		ok = insn->imm != UNTOUCHED;
	}
	bpf_object__close(obj);
	return ok;
}

static bool by_us(FIXTURE_DATA(core) * self, struct bpf_insn *insn)
{
	struct kapsel_object *obj = kapsel_open_mem(self->eb.image.data, self->eb.image.size,
						    "c.o", &self->err);

	if (!obj)
		return false;
	*insn = kapsel_prog_at(obj, 0)->insns[0];
	kapsel_close(obj);
	return true;
}

/* For libbpf, which compares: an object with the numbers of its own types in it. */
static void build_as_compiled(FIXTURE_DATA(core) * self, u32 which, const char *access,
			      u32 kind)
{
	struct bpf_insn insn = { .imm = UNTOUCHED };

	setenv("KAPSEL_BTF", self->own, 1);
	build(&self->eb, which, access, kind, UNTOUCHED);
	by_us(self, &insn);
	elf_build_free(&self->eb);
	build(&self->eb, which, access, kind, insn.imm);
	setenv("KAPSEL_BTF", self->kernel, 1);
}

static const struct { u32 which; const char *access; u32 from, to; } places[] = {
	{ 0, "0", 0, 5 }, { 0, "0:0", 0, 5 }, { 0, "0:1", 0, 3 }, { 0, "0:1:0", 0, 5 },
	{ 0, "0:1:1", 0, 5 }, { 0, "0:2", 0, 5 }, { 0, "0:2:3", 0, 5 }, { 0, "0:3", 0, 5 },
	{ 0, "0:4", 0, 5 }, { 0, "0:5", 0, 5 }, { 0, "1:0", 0, 5 }, { 3, "0:0", 0, 5 },
	{ 0, "0", 6, 9 }, { 1, "0", 6, 9 }, { 2, "0", 6, 9 }, { 3, "0", 6, 9 },
	{ 1, "0", 10, 11 }, { 1, "1", 10, 11 }, { 1, "2", 10, 11 }, { 2, "0:0", 0, 5 },
};

static bool has_bpf(FIXTURE_DATA(core) * self)
{
	struct bpf_insn insn;
	bool ok;

	build_as_compiled(self, 0, "0:0", 0);
	ok = by_libbpf(self, &insn) && insn.imm == 64;
	elf_build_free(&self->eb);
	return ok;
}

/* Whether libbpf took it; then we must have, to the bit. @answer: what it says. */
static bool compare(struct __test_metadata *_metadata, FIXTURE_DATA(core) * self, u32 which,
		    const char *access, u32 kind, s32 *answer)
{
	struct bpf_insn ours = {}, theirs = {};
	bool ok;

	build_as_compiled(self, which, access, kind);
	ok = by_libbpf(self, &theirs);
	EXPECT_EQ(ok, by_us(self, &ours)) {
		TH_LOG("type %u, %s, kind %u: libbpf has %d; %s", which, access, kind,
		       theirs.imm, self->err.text);
	}
	if (ok)
		EXPECT_EQ(0, memcmp(&theirs, &ours, sizeof(ours))) {
			TH_LOG("type %u, %s, kind %u: libbpf has %#x %d, we %#x %d", which,
			       access, kind, theirs.code, theirs.imm, ours.code, ours.imm);
		}
	elf_build_free(&self->eb);
	*answer = theirs.imm;
	return ok;
}

TEST_F(core, each_kind_as_libbpf_has_it)
{
	u32 i, kind, compared = 0;
	s32 answer;

	if (!has_bpf(self))
		SKIP(return, "no bpf(2) here");
	for (i = 0; i < ARRAY_SIZE(places); i++)
		for (kind = places[i].from; kind <= places[i].to; kind++)
			compared += compare(_metadata, self, places[i].which, places[i].access,
					    kind, &answer);
	EXPECT_LT(70, compared);
}

/* Members of the same name and another type: is there such a field, and where? */
TEST_F(core, members_agree_as_libbpf_has_it)
{
	static const u32 kinds[] = { 0, 1, 2 };
	u32 i, n, found = 0, all = 0;
	struct types types;
	s32 answer;

	if (!has_bpf(self))
		SKIP(return, "no bpf(2) here");
	make_types(&types, false);
	EXPECT_EQ(NO_POINTER, FIRST_MATCH + types.matches - 1);
	for (i = 0; i < types.matches; i++) {
		const struct btf_type *t = btf__type_by_id(types.btf, types.ids[FIRST_MATCH + i]);

		for (n = 0; btf_is_composite(t) && n < ARRAY_SIZE(kinds); n++) {
			bool ok = compare(_metadata, self, FIRST_MATCH + i, "0:0", kinds[n],
					  &answer);

			all += kinds[n] == 2;
			found += kinds[n] == 2 && ok && answer;
		}
	}
	EXPECT_LE(15, found);
	EXPECT_LT(found, all);
	btf__free(types.btf);
}

/* Does a type match? Of those above about half do. */
TEST_F(core, matches_as_libbpf_has_it)
{
	struct types types;
	u32 i, matching = 0;
	s32 answer;

	if (!has_bpf(self))
		SKIP(return, "no bpf(2) here");
	make_types(&types, false);
	for (i = 0; i < types.matches; i++) {
		EXPECT_TRUE(compare(_metadata, self, FIRST_MATCH + i, "0", 12, &answer)) {
			TH_LOG("libbpf says nothing of type %u", i);
		}
		matching += answer;
	}
	EXPECT_LE(22, types.matches);
	EXPECT_LE(8, matching);
	EXPECT_LE(8, types.matches - matching);
	btf__free(types.btf);
}

static const struct { u32 which; const char *access; u32 kind; const char *says; } missing[] = {
	{ 0, "0:5", 0, "has no 'gone' in struct outer" },
	{ 0, "0:1:1", 0, "has no 'named' in struct inner; it has 'renamed'" },
	{ 2, "0:0", 0, "has no struct missing" },
	{ 1, "2", 11, "has enum number___mine without what is asked of it" },
	{ NO_POINTER, "0:0", 0, "has another kind of 'x' in struct no_pointer" },
};

/* Refused only where it is reached, and then in words. */
TEST_F(core, what_is_missing)
{
	struct kapsel_object *obj;
	struct kapsel_result res;
	const char *says;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(missing); i++) {
		build(&self->eb, missing[i].which, missing[i].access, missing[i].kind, 0);
		obj = kapsel_open_mem(self->eb.image.data, self->eb.image.size, "c.o",
				      &self->err);
		ASSERT_NE(NULL, obj);
		says = kapsel_missing_at(kapsel_prog_at(obj, 0), 0);
		ASSERT_NE(NULL, says);
		EXPECT_STREQ(missing[i].says, says);
		EXPECT_EQ(NULL, kapsel_missing_at(kapsel_prog_at(obj, 0), 1));
		EXPECT_GT(0, kapsel_verify_offline(kapsel_prog_at(obj, 0), NULL, &res,
						   &self->err));
		kapsel_result_free(&res);
		kapsel_close(obj);
		elf_build_free(&self->eb);
	}
}

TEST_HARNESS_MAIN
