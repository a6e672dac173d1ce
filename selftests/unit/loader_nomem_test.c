// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library without memory: each of its allocations fails in turn, those of libelf
 * and libbpf excepted. It says so, and keeps nothing. The linker puts the functions
 * here in the place of malloc() and its kin (see ../Makefile).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_names.h"
#include "btf_raw.h"
#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"
#include "tree.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *mem, size_t size);
char *__real_strdup(const char *text);
typeof(free) __real_free;

static long left = -1;		/* allocations that succeed; -1: all */
static long blocks;		/* not given back */

static bool refused(void)
{
	return !left || (left > 0 && !--left);
}

static void *noted(void *mem)
{
	blocks += !!mem;
	return mem;
}

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : noted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : noted(__real_calloc(n, size));
}

void *__wrap_realloc(void *mem, size_t size)
{
	if (refused())
		return NULL;
	blocks -= !!mem;
	return noted(__real_realloc(mem, size));
}

char *__wrap_strdup(const char *text)
{
	return refused() ? NULL : noted(__real_strdup(text));
}

void __wrap_free(void *mem)
{
	blocks -= !!mem;
	__real_free(mem);
}

/** struct source - an object, or what is none yet */
struct source {
	const void *image;
	size_t size;
	const struct kapsel_raw *raw;
};

static struct kapsel_object *open_source(const struct source *source, struct kapsel_error *err)
{
	if (source->raw)
		return kapsel_open_raw(source->raw, err);
	return kapsel_open_mem(source->image, source->size, "nomem.o", err);
}

/* Opened and verified, or ENOMEM. Returns whether there was memory enough. */
static bool attempt(struct __test_metadata *_metadata, const struct source *source)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj = open_source(source, &err);
	struct kapsel_result res = {};
	bool enough = obj;
	u32 i;

	/* What failed while it was opened was not passed over. */
	EXPECT_TRUE(!obj || left);
	for (i = 0; obj && i < kapsel_nr_progs(obj) && enough; i++) {
		memset(&err, 0, sizeof(err));
		kapsel_verify_offline(kapsel_prog_at(obj, i), NULL, &res, &err);
		kapsel_result_free(&res);
		enough = err.err != -ENOMEM;
	}
	kapsel_close(obj);
	if (!enough) {
		EXPECT_EQ(-ENOMEM, err.err) {
			TH_LOG("says: %s", err.text);
		}
		EXPECT_NE('\0', err.text[0]);
	}
	return enough;
}

static void starve(struct __test_metadata *_metadata, const struct source *source)
{
	long before = blocks, n;
	bool enough = false;

	for (n = 1; !enough && n < 100000; n++) {
		left = n;
		enough = attempt(_metadata, source);
		enough &= left > 0;
		left = -1;
		ASSERT_EQ(before, blocks) {
			TH_LOG("allocation %ld", n);
		}
	}
	ASSERT_LT(10, n);
	ASSERT_TRUE(enough);
}

TEST(made_by_hand)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct source source = {};
	struct elf_build eb;
	u32 code;

	elf_build_init(&eb);
	code = elf_build_section(&eb, "kprobe/vfs_read", SHT_PROGBITS,
				 SHF_ALLOC | SHF_EXECINSTR, insns, sizeof(insns));
	elf_build_symbol(&eb, "prog", code, 0, 16, STT_FUNC, STB_GLOBAL);
	elf_build_symbol(&eb, "callee", code, 16, 16, STT_FUNC, STB_LOCAL);
	elf_build_section(&eb, ".rodata", SHT_PROGBITS, SHF_ALLOC, "abc", 4);
	elf_build_section(&eb, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
	elf_build_finish(&eb);
	source.image = eb.image.data;
	source.size = eb.image.size;
	starve(_metadata, &source);
	elf_build_free(&eb);
}

TEST(from_no_file)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = BPF_PSEUDO_MAP_VALUE },
		{},
		{ .code = BPF_LDX | BPF_MEM | BPF_B },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct kapsel_raw raw = {
		.name = "raw", .license = "GPL", .prog_type = KAPSEL_PROG_KPROBE,
		.insns = insns, .insn_cnt = 4, .data = "abc", .data_size = 4,
	};
	const struct source source = { .raw = &raw };

	starve(_metadata, &source);
}

/* What clang made, if there is one: maps, types, lines, callbacks. */
TEST(compiled)
{
	static const char * const names[] = {
		"build/examples/portguard.bpf.o", "build/examples/pktlen.bpf.o",
		"build/examples/openslat.bpf.o", "build/examples/reject/null.bpf.o",
	};
	char path[PATH_MAX];
	u32 i;

	for (i = 0; i < 4; i++) {
		static char image[1 << 18];
		FILE *file = fopen(tree_path(names[i], path), "re");
		struct source source = { .image = image };

		if (!file)
			SKIP(return, "no %s", names[i]);
		source.size = fread(image, 1, sizeof(image), file);
		fclose(file);
		starve(_metadata, &source);
	}
}

static int cut_one(const void *data, u32 size, u32 id)
{
	struct kl_raw raw = {};
	struct kl_names names = {};
	struct btf *btf = NULL;
	int ret = kl_raw_use(&raw, data, size, NULL) ?: kl_names_make(&names, &raw) ?:
		  kl_btf_cut(&raw, id, &btf);

	btf__free(btf);
	kl_names_free(&names);
	kl_raw_free(&raw);
	return ret;
}

/* One type of the kernel's: what is allocated grows with what is in it. */
TEST(a_type_of_the_kernel)
{
	struct btf *all = btf__new_empty();
	long before = blocks, n;
	int id, i, ret = -1;
	const void *data;
	char name[32];
	u32 size;

	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "a_number_with_a_name_%d", i);
		btf__add_int(all, name, 4, 0);
	}
	id = btf__add_struct(all, "numbers", 800);
	for (i = 0; i < 200; i++)
		btf__add_field(all, "a_member", i + 1, i * 32, 0);
	data = btf__raw_data(all, &size);
	for (n = 1; ret && n < 1000; n++) {
		left = n;
		ret = cut_one(data, size, id);
		ret = left > 0 ? ret : -1;
		left = -1;
		ASSERT_EQ(before, blocks);
	}
	EXPECT_EQ(0, ret);
	EXPECT_LT(10, n);
	btf__free(all);
}

TEST_HARNESS_MAIN
