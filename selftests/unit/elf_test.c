// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELF objects: what the loader makes of a good one, and that whatever is wrong
 * with one is said in one sentence. The objects are put together here, so that
 * the tests need no clang.
 */

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"

#define OPEN(img, err) kapsel_open_mem((img)->data, (img)->size, "test.o", err)

static const struct bpf_insn two_insns[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
	{ .code = BPF_JMP | BPF_EXIT },
};

/* The smallest object: one program in SEC(@sec). */
static void small(struct elf_build *eb, const char *sec)
{
	u32 code;

	elf_build_init(eb);
	code = elf_build_section(eb, sec, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				 two_insns, sizeof(two_insns));
	elf_build_symbol(eb, "prog", code, 0, sizeof(two_insns), STT_FUNC, STB_GLOBAL);
	elf_build_section(eb, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
}

TEST(a_program)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj;
	struct kapsel_prog *prog;
	struct elf_build eb;

	small(&eb, "kprobe/vfs_read+0x10");
	elf_build_finish(&eb);
	obj = OPEN(&eb.image, &err);
	ASSERT_NE(NULL, obj);
	EXPECT_EQ(1, kapsel_nr_progs(obj));
	EXPECT_EQ(0, kapsel_nr_maps(obj));
	EXPECT_STREQ("GPL", kapsel_license(obj));
	prog = kapsel_prog_find(obj, "prog");
	ASSERT_NE(NULL, prog);
	EXPECT_EQ(2, prog->insn_cnt);
	EXPECT_EQ(KAPSEL_HOOK_KPROBE, prog->hook.hook);
	EXPECT_STREQ("vfs_read", prog->hook.target);
	EXPECT_EQ(0x10, prog->hook.offset);
	kapsel_close(obj);
	elf_build_free(&eb);
}

FIXTURE(refused)
{
	struct elf_build eb;
	struct kapsel_error err;
};

FIXTURE_SETUP(refused)
{
	memset(&self->err, 0, sizeof(self->err));
	small(&self->eb, "kprobe/vfs_read");
}

FIXTURE_TEARDOWN(refused)
{
	elf_build_free(&self->eb);
}

/* Refused, and the sentence holds @word. */
#define EXPECT_REFUSED(word) do {						\
	struct kapsel_object *_obj = OPEN(&self->eb.image, &self->err);		\
										\
	EXPECT_EQ(NULL, _obj);							\
	EXPECT_GT(0, self->err.err);						\
	EXPECT_NE(NULL, strstr(self->err.text, word)) {				\
		TH_LOG("says: %s", self->err.text);				\
	}									\
	kapsel_close(_obj);							\
} while (0)

TEST_F(refused, empty)
{
	EXPECT_EQ(NULL, kapsel_open_mem("", 0, "test.o", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not an ELF file"));
}

TEST_F(refused, other_machine)
{
	elf_build_finish(&self->eb);
	elf_build_header(&self->eb)->e_machine = EM_X86_64;
	EXPECT_REFUSED("not for BPF");
}

TEST_F(refused, other_byte_order)
{
	elf_build_finish(&self->eb);
	elf_build_header(&self->eb)->e_ident[EI_DATA] = ELFDATA2MSB;
	EXPECT_REFUSED("byte order");
}

TEST_F(refused, executable)
{
	elf_build_finish(&self->eb);
	elf_build_header(&self->eb)->e_type = ET_EXEC;
	EXPECT_REFUSED("not a relocatable object");
}

TEST_F(refused, unknown_section)
{
	elf_build_free(&self->eb);
	small(&self->eb, "tracepoint/syscalls/sys_enter_open");
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("tracepoint/syscalls/sys_enter_open");
	EXPECT_NE('\0', self->err.hint[0]);
}

TEST_F(refused, function_outside_section)
{
	elf_build_symbol(&self->eb, "far", 1, 0, 800, STT_FUNC, STB_GLOBAL);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("'far'");
}

TEST_F(refused, functions_overlap)
{
	elf_build_symbol(&self->eb, "half", 1, 8, 8, STT_FUNC, STB_GLOBAL);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("overlap");
}

TEST_F(refused, half_an_instruction)
{
	elf_build_section(&self->eb, "kprobe/x", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
			  two_insns, 12);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("kprobe/x");
}

TEST_F(refused, no_program)
{
	elf_build_free(&self->eb);
	small(&self->eb, ".text");
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("no program");
}

TEST_F(refused, maps_without_btf)
{
	elf_build_section(&self->eb, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE,
			  "\0\0\0\0\0\0\0\0", 8);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("no BTF");
	EXPECT_NE(NULL, strstr(self->err.hint, "-g"));
}

/* ------------------------------------------------------------------------
 * Definitions of the old form
 */
static void old_maps(struct elf_build *eb, const u32 *numbers, size_t size, u64 at, u64 len)
{
	u32 sec = elf_build_section(eb, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, numbers,
				    size);

	elf_build_symbol(eb, "table", sec, at, len, STT_OBJECT, STB_GLOBAL);
	elf_build_finish(eb);
}

static const u32 old_hash[7] = { BPF_MAP_TYPE_HASH, 4, 8, 16, BPF_F_NO_PREALLOC };

TEST(maps_of_old)
{
	struct kapsel_error err = {};
	size_t size;

	/* Without flags, with them, and with what others have behind them, if it is 0. */
	for (size = 16; size <= sizeof(old_hash); size += 4) {
		struct kapsel_object *obj;
		struct elf_build eb;
		const struct kapsel_map *map;

		small(&eb, "kprobe/vfs_read");
		old_maps(&eb, old_hash, size, 0, size);
		obj = OPEN(&eb.image, &err);
		ASSERT_NE(NULL, obj) TH_LOG("%s", err.text);
		EXPECT_TRUE(kapsel_has_legacy_maps(obj));
		ASSERT_EQ(1, kapsel_nr_maps(obj));
		map = kapsel_map_at(obj, 0);
		EXPECT_STREQ("table", map->name);
		EXPECT_EQ(BPF_MAP_TYPE_HASH, map->type);
		EXPECT_EQ(4, map->key_size);
		EXPECT_EQ(8, map->value_size);
		EXPECT_EQ(16, map->max_entries);
		EXPECT_EQ(size > 16 ? BPF_F_NO_PREALLOC : 0, map->flags);
		EXPECT_EQ(0, map->value_type);
		kapsel_close(obj);
		elf_build_free(&eb);
	}
}

TEST_F(refused, old_maps_cut_off)
{
	old_maps(&self->eb, old_hash, 12, 0, 12);
	EXPECT_REFUSED("damaged");
}

TEST_F(refused, old_maps_outside)
{
	old_maps(&self->eb, old_hash, 20, 4, 20);
	EXPECT_REFUSED("damaged");
}

TEST_F(refused, old_maps_far_outside)
{
	old_maps(&self->eb, old_hash, 20, ~0ULL - 3, 20);
	EXPECT_REFUSED("damaged");
}

TEST_F(refused, old_maps_without_data)
{
	u32 sec = elf_build_section(&self->eb, "maps", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, "", 0);

	elf_build_symbol(&self->eb, "table", sec, 0, 20, STT_OBJECT, STB_GLOBAL);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("damaged");
}

TEST_F(refused, old_maps_with_more)
{
	static const u32 inner[] = { BPF_MAP_TYPE_HASH, 4, 8, 16, 0, 0, 1 };

	old_maps(&self->eb, inner, sizeof(inner), 0, sizeof(inner));
	EXPECT_REFUSED("more than type");
	EXPECT_NE(NULL, strstr(self->err.hint, ".maps"));
}

TEST_F(refused, old_maps_of_no_type)
{
	static const u32 none[5] = { 0, 4, 8, 16 };

	old_maps(&self->eb, none, sizeof(none), 0, sizeof(none));
	EXPECT_REFUSED("no type");
}

TEST_F(refused, damaged_btf)
{
	elf_build_section(&self->eb, ".BTF", SHT_PROGBITS, 0, "rubbish", 7);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED(".BTF");
}

TEST_F(refused, unknown_relocation)
{
	Elf64_Rel rel = { .r_offset = 0, .r_info = ELF64_R_INFO(1, 99) };

	elf_build_relocs(&self->eb, 1, &rel, 1);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("relocation type 99");
}

TEST_F(refused, relocation_between_instructions)
{
	Elf64_Rel rel = { .r_offset = 4, .r_info = ELF64_R_INFO(1, 1) };

	elf_build_relocs(&self->eb, 1, &rel, 1);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("hits no instruction");
}

TEST_F(refused, relocation_against_nothing)
{
	Elf64_Rel rel = { .r_offset = 0, .r_info = ELF64_R_INFO(77, 1) };

	elf_build_relocs(&self->eb, 1, &rel, 1);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("symbol 77");
}

TEST_F(refused, undefined_variable)
{
	struct bpf_insn lddw[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1 }, {},
		{ .code = BPF_JMP | BPF_EXIT },
	};
	Elf64_Rel rel = { .r_offset = 0 };
	u32 sec, sym;

	sec = elf_build_section(&self->eb, "kprobe/y", SHT_PROGBITS,
				SHF_ALLOC | SHF_EXECINSTR, lddw, sizeof(lddw));
	elf_build_symbol(&self->eb, "y", sec, 0, sizeof(lddw), STT_FUNC, STB_GLOBAL);
	sym = elf_build_symbol(&self->eb, "LINUX_KERNEL_VERSION", 0, 0, 0, STT_NOTYPE,
			       STB_GLOBAL);
	rel.r_info = ELF64_R_INFO(sym, 1);
	elf_build_relocs(&self->eb, sec, &rel, 1);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("LINUX_KERNEL_VERSION");
	EXPECT_NE(NULL, strstr(self->err.hint, "if there is BTF"));
}

static u32 add_main(struct elf_build *eb, const char *sec, const char *name)
{
	u32 code = elf_build_section(eb, sec, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				     two_insns, sizeof(two_insns));

	return elf_build_symbol(eb, name, code, 0, sizeof(two_insns), STT_FUNC, STB_GLOBAL);
}

/* The same program for other hooks is left out, if there is one for ours. */
TEST(left_out)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj;
	struct elf_build eb;

	small(&eb, "kprobe/vfs_read");
	add_main(&eb, "fentry/vfs_read", "other");
	add_main(&eb, "?kretprobe/vfs_read", "maybe");
	elf_build_finish(&eb);
	obj = OPEN(&eb.image, &err);
	ASSERT_NE(NULL, obj);
	EXPECT_EQ(2, kapsel_nr_progs(obj));
	EXPECT_EQ(NULL, kapsel_prog_find(obj, "other"));
	EXPECT_STREQ("other", kapsel_left_out_at(obj, 0)->name);
	EXPECT_STREQ("fentry/vfs_read", kapsel_left_out_at(obj, 0)->section);
	EXPECT_EQ(NULL, kapsel_left_out_at(obj, 1));
	EXPECT_FALSE(kapsel_prog_find(obj, "prog")->optional);
	EXPECT_TRUE(kapsel_prog_find(obj, "maybe")->optional);
	kapsel_close(obj);
	elf_build_free(&eb);
}

/* A section of ours that is wrong is an error all the same. */
TEST_F(refused, wrong_section_beside_a_right_one)
{
	add_main(&self->eb, "kretprobe/vfs_read+4", "wrong");
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("takes no offset");
}

/* Static functions are put behind the program that calls them, once. */
TEST(subprograms)
{
	struct bpf_insn main_insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1 },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct kapsel_error err = {};
	struct kapsel_object *obj;
	struct kapsel_prog *prog;
	struct elf_build eb;
	Elf64_Rel rels[2];
	u32 text, sec, sym;

	elf_build_init(&eb);
	text = elf_build_section(&eb, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				 two_insns, sizeof(two_insns));
	sym = elf_build_symbol(&eb, "helper", text, 0, sizeof(two_insns), STT_FUNC, STB_LOCAL);
	sec = elf_build_section(&eb, "netfilter/input/-5", SHT_PROGBITS,
				SHF_ALLOC | SHF_EXECINSTR, main_insns, sizeof(main_insns));
	elf_build_symbol(&eb, "main", sec, 0, sizeof(main_insns), STT_FUNC, STB_GLOBAL);
	rels[0] = (Elf64_Rel){ .r_offset = 0, .r_info = ELF64_R_INFO(sym, 10) };
	rels[1] = (Elf64_Rel){ .r_offset = 8, .r_info = ELF64_R_INFO(sym, 10) };
	elf_build_relocs(&eb, sec, rels, 2);
	elf_build_finish(&eb);
	obj = OPEN(&eb.image, &err);
	ASSERT_NE(NULL, obj) {
		TH_LOG("says: %s", err.text);
	}
	prog = kapsel_prog_at(obj, 0);
	EXPECT_EQ(5, prog->insn_cnt);
	EXPECT_EQ(2, prog->nr_funcs);
	EXPECT_EQ(2, prog->insns[0].imm);
	EXPECT_EQ(1, prog->insns[1].imm);
	EXPECT_STREQ("helper", kapsel_func_of(prog, 3)->name);
	EXPECT_EQ(-5, prog->hook.priority);
	kapsel_close(obj);
	elf_build_free(&eb);
}

/* A terminal must not obey the names in a file. */
TEST_F(refused, name_with_escapes)
{
	elf_build_symbol(&self->eb, "far\033[2J\n", 1, 0, 800, STT_FUNC, STB_GLOBAL);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("'far [2J '");
}

/* Each program gets its own copy of what it calls; there is an end to that. */
TEST_F(refused, too_much_in_all)
{
	static struct bpf_insn callee[600000], caller[] = {
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn all[2 * 28];
	Elf64_Rel rels[28];
	u32 text, sec, sym, i;

	text = elf_build_section(&self->eb, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				 callee, sizeof(callee));
	sym = elf_build_symbol(&self->eb, "long", text, 0, sizeof(callee), STT_FUNC, STB_LOCAL);
	for (i = 0; i < 28; i++)
		memcpy(&all[2 * i], caller, sizeof(caller));
	sec = elf_build_section(&self->eb, "kprobe/z", SHT_PROGBITS,
				SHF_ALLOC | SHF_EXECINSTR, all, sizeof(all));
	for (i = 0; i < 28; i++) {
		elf_build_symbol(&self->eb, "many", sec, i * sizeof(caller), sizeof(caller),
				 STT_FUNC, STB_GLOBAL);
		rels[i] = (Elf64_Rel){ i * sizeof(caller), ELF64_R_INFO(sym, 10) };
	}
	elf_build_relocs(&self->eb, sec, rels, 28);
	elf_build_finish(&self->eb);
	EXPECT_REFUSED("between them");
}

/* Each cut, and each byte flipped: an object or a sentence, never a crash. */
TEST(damaged)
{
	struct kapsel_error err;
	struct kapsel_object *obj;
	struct elf_build eb;
	size_t i;

	small(&eb, "kprobe/vfs_read");
	elf_build_finish(&eb);
	for (i = 0; i < eb.image.size; i++) {
		memset(&err, 0, sizeof(err));
		obj = kapsel_open_mem(eb.image.data, i, "cut.o", &err);
		if (!obj)
			EXPECT_NE('\0', err.text[0]);
		kapsel_close(obj);
		eb.image.data[i] ^= 0xff;
		memset(&err, 0, sizeof(err));
		obj = OPEN(&eb.image, &err);
		if (!obj)
			EXPECT_NE('\0', err.text[0]);
		kapsel_close(obj);
		eb.image.data[i] ^= 0xff;
	}
	elf_build_free(&eb);
}

FIXTURE(sec)
{
	struct kapsel_hook hook;
	struct kapsel_error err;
};

FIXTURE_SETUP(sec)
{
}

FIXTURE_TEARDOWN(sec)
{
}

FIXTURE_VARIANT(sec)
{
	const char *name;	/* of the section */
	const char *hook;	/* as written by people; NULL: refused */
};

#define SEC_CASE(_id, _name, _hook) \
	FIXTURE_VARIANT_ADD(sec, _id) { .name = _name, .hook = _hook }

SEC_CASE(kprobe, "kprobe/vfs_read", "kprobe:vfs_read");
SEC_CASE(kprobe_offset, "kprobe/vfs_read+16", "kprobe:vfs_read+0x10");
SEC_CASE(kprobe_anywhere, "kprobe", "kprobe:?");
SEC_CASE(kprobe_dotted, "kprobe/foo.isra.0", "kprobe:foo.isra.0");
SEC_CASE(kprobe_nothing, "kprobe/", NULL);
SEC_CASE(kprobe_bad_offset, "kprobe/vfs_read+x", NULL);
SEC_CASE(kretprobe, "kretprobe/vfs_read", "kretprobe:vfs_read");
SEC_CASE(kretprobe_offset, "kretprobe/vfs_read+4", NULL);
SEC_CASE(ksyscall, "ksyscall/openat", "kprobe:__x64_sys_openat");
SEC_CASE(kretsyscall, "kretsyscall/openat", "kretprobe:__x64_sys_openat");
SEC_CASE(ingress, "cgroup_skb/ingress", "nf:inet:input");
SEC_CASE(egress, "cgroup_skb/egress", "nf:inet:output");
SEC_CASE(netfilter, "netfilter/forward", "nf:inet:forward");
SEC_CASE(netfilter_priority, "netfilter/output/100", "nf:inet:output:100");
SEC_CASE(nf, "nf/ip6/prerouting/-300", "nf:ip6:prerouting:-300");
SEC_CASE(nf_family, "nf/arp/input", NULL);
SEC_CASE(nf_hook, "nf/ip/ingress", NULL);
SEC_CASE(nf_last, "nf/ip/input/2147483647", NULL);
SEC_CASE(xdp, "xdp", NULL);
SEC_CASE(empty, "", NULL);

TEST_F(sec, name)
{
	char words[300];
	int ret = kapsel_hook_from_sec(variant->name, &self->hook, &self->err);

	if (!variant->hook) {
		EXPECT_GT(0, ret);
		EXPECT_NE('\0', self->err.text[0]);
		return;
	}
	ASSERT_EQ(0, ret);
	EXPECT_STREQ(variant->hook, kapsel_hook_format(&self->hook, words, sizeof(words)));
}

TEST_HARNESS_MAIN
