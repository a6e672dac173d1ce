// SPDX-License-Identifier: GPL-2.0-only
/* Programs made to measure: as many instructions, branches or trips as asked for */

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/kernel.h>
#include <uapi/linux/bpf.h>

#include "programs.h"

static struct bpf_insn *code;
static u32 cnt;

static void add(u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	code[cnt++] = (struct bpf_insn){
		.code = op, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

#define MOV_IMM(dst, imm)	add(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define MOV_REG(dst, src)	add(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD_IMM(dst, imm)	add(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define ADD_REG(dst, src)	add(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)
#define AND_IMM(dst, imm)	add(BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, imm)
#define LSH_IMM(dst, imm)	add(BPF_ALU64 | BPF_LSH | BPF_K, dst, 0, 0, imm)
#define LOAD(dst, src, off)	add(BPF_LDX | BPF_MEM | BPF_W, dst, src, off, 0)
#define JUMP_NE(dst, imm, off)	add(BPF_JMP | BPF_JNE | BPF_K, dst, 0, off, imm)
#define JUMP_LT(dst, imm, off)	add(BPF_JMP | BPF_JLT | BPF_K, dst, 0, off, imm)
#define EXIT()			add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* @n instructions: arithmetic on a number read from the packet's context. */
static void straight(u32 n)
{
	LOAD(2, 1, 0);
	while (cnt + 6 < n) {
		ADD_IMM(2, 1);
		MOV_REG(3, 2);
		AND_IMM(3, 255);
		ADD_REG(3, 2);
	}
	while (cnt + 2 < n)
		ADD_IMM(3, 1);
	MOV_IMM(0, 1);
	EXIT();
}

/*
 * Each of @n branches leaves its own bit in r7, so that 2^n values come out, and
 * then r7 says which byte of the stack is written: its value matters to the end.
 */
static void diamonds(u32 n)
{
	MOV_REG(6, 1);
	MOV_IMM(7, 0);
	while (n--) {
		LSH_IMM(7, 1);
		LOAD(2, 6, 0);
		JUMP_NE(2, n, 1);
		ADD_IMM(7, 1);
	}
	AND_IMM(7, 7);
	MOV_REG(8, 10);
	ADD_REG(8, 7);
	add(BPF_ST | BPF_MEM | BPF_B, 8, 0, -8, 1);
	MOV_IMM(0, 1);
	EXIT();
}

static void loop(u32 n)
{
	MOV_IMM(0, 0);
	MOV_IMM(6, 0);
	ADD_REG(0, 6);
	AND_IMM(0, 1);
	ADD_IMM(6, 1);
	JUMP_LT(6, n, -4);
	EXIT();
}

/* @n times @n trips. */
static void nested(u32 n)
{
	MOV_IMM(0, 0);
	MOV_IMM(6, 0);
	MOV_IMM(7, 0);
	ADD_REG(0, 7);
	AND_IMM(0, 1);
	ADD_IMM(7, 1);
	JUMP_LT(7, n, -4);
	ADD_IMM(6, 1);
	JUMP_LT(6, n, -7);
	EXIT();
}

static const struct {
	const char *name;
	void (*make)(u32 n);
	u32 sizes[8];
} groups[] = {
	{ "straight", straight, { 1000, 10000, 100000, 1000000 } },
	{ "diamonds", diamonds, { 4, 10, 16, 19, 100, 1000, 10000, 100000 } },
	{ "loop", loop, { 10, 100, 1000, 10000, 100000, 1000000 } },
	{ "nested", nested, { 10, 100, 1000 } },
};

static struct kapsel_object *open_image(const void *image, size_t size, const char *name)
{
	struct kapsel_error err;
	struct kapsel_object *obj = kapsel_open_mem(image, size, name, &err);

	if (!obj)
		fprintf(stderr, "%s\n", err.text);
	return obj;
}

/* As both kapsel and libbpf would have it from a compiler. */
static void build(struct bench_prog *p)
{
	size_t size = cnt * sizeof(*code);
	u32 sec;

	elf_build_init(&p->elf);
	sec = elf_build_section(&p->elf, "cgroup_skb/ingress", SHT_PROGBITS,
				SHF_ALLOC | SHF_EXECINSTR, code, size);
	elf_build_symbol(&p->elf, "prog", sec, 0, size, STT_FUNC, STB_GLOBAL);
	elf_build_section(&p->elf, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
	elf_build_finish(&p->elf);
	p->image = p->elf.image.data;
	p->image_size = p->elf.image.size;
	p->obj = open_image(p->image, p->image_size, p->name);
	p->prog = p->obj ? kapsel_prog_at(p->obj, 0) : NULL;
}

static void one_made(u32 group, u32 size, bench_fn fn)
{
	struct bench_prog p = { .group = groups[group].name, .size = size };

	snprintf(p.name, sizeof(p.name), "%s %u", p.group, size);
	cnt = 0;
	groups[group].make(size);
	build(&p);
	if (p.prog)
		fn(&p);
	kapsel_close(p.obj);
	elf_build_free(&p.elf);
}

void bench_each_made(bench_fn fn)
{
	u32 g, s;

	code = calloc(KAPSEL_MAX_INSNS, sizeof(*code));
	if (!code)
		return;
	for (g = 0; g < ARRAY_SIZE(groups); g++)
		for (s = 0; s < ARRAY_SIZE(groups[g].sizes) && groups[g].sizes[s]; s++)
			one_made(g, groups[g].sizes[s], fn);
	free(code);
}

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	struct stat st;
	void *image = NULL;

	if (file && !fstat(fileno(file), &st)) {
		image = malloc(st.st_size + 1);
		*size = image ? fread(image, 1, st.st_size, file) : 0;
	}
	if (file)
		fclose(file);
	else
		perror(path);
	return image;
}

void bench_each_of(const char *path, bench_fn fn)
{
	struct bench_prog p = { .group = "object" };
	char *copy = strdup(path);
	u32 i;

	p.image = copy ? read_file(path, &p.image_size) : NULL;
	p.obj = p.image ? open_image(p.image, p.image_size, path) : NULL;
	for (i = 0; p.obj && i < kapsel_nr_progs(p.obj); i++) {
		const char *base = basename(copy);

		p.prog = kapsel_prog_at(p.obj, i);
		snprintf(p.name, sizeof(p.name), "%.*s/%.40s", (int)strcspn(base, "."), base,
			 p.prog->name);
		fn(&p);
	}
	kapsel_close(p.obj);
	free((void *)p.image);
	free(copy);
}
