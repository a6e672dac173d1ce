// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction corpus: insn/NAME.data for each row NAME of opcodes.tbl, run
 * on the interpreter in userspace and, where there is /dev/kapsel, on every
 * engine of the module; all must give what RFC 9669 says.
 *
 * A file has programs, each followed by what it must return:
 *
 *	asm:			the program's lines, as kt_asm() reads them. r1, r2
 *		r0 = r1		and r3 are the values of the case
 *		exit
 *	run: 1 2 3 -> 4		a case; what is left out is 0
 *	edges: add64_imm	all edge values against each other; the result by
 *				naive_eval(). IMM in the program stands for the
 *				second value, an immediate then
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "kselftest.h"
#include "lib/asm.h"
#include "lib/naive.h"
#include "lib/run.h"

#define MAX_SLOTS	128
#define MAX_TEXT	4096
#define PT_REGS_SIZE	168
#define HIGH_CEILING	1000000000	/* the rounds of bpf_loop() are many */

/* Where the values of a case come from: di, si and dx of struct pt_regs. */
static const char prologue[] =
	"r6 = r1\n"
	"r1 = *(u64 *)(r6 + 112)\n"
	"r2 = *(u64 *)(r6 + 104)\n"
	"r3 = *(u64 *)(r6 + 96)\n";

static const u64 edges[] = {
	0, 1, 2, 3, 7, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
	0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000,
	0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000,
	0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff,
	0xffffffff80000000, 0xffffffff7fffffff, 0xfedcba9876543210,
};

static const s32 imm_edges[] = {
	0, 1, 2, 3, 7, 31, 32, 63, 64, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7ffffffe, S32_MAX, -1, -2, -7, -32768, -32769, S32_MIN, S32_MIN + 1,
	0x12345678,
};

/* ------------------------------------------------------------------------
 * Engines
 */

/**
 * struct engine - something that runs programs
 * @name: for messages
 * @load: makes a program current; false: it was refused
 * @run: runs it on a struct pt_regs
 * @kind: of the module: KAPSEL_ENGINE_*
 */
struct engine {
	const char *name;
	bool (*load)(const struct engine *engine, const struct bpf_insn *insns,
		     u32 cnt);
	bool (*run)(const void *regs, u64 *result);
	void (*unload)(void);
	u32 kind;
};

static struct kt_prog prog;
static int device = -1;
static int prog_fd = -1;

static bool user_load(const struct engine *engine, const struct bpf_insn *insns,
		      u32 cnt)
{
	(void)engine;
	if (kt_prove(&prog, insns, cnt) || kt_rewrite(&prog, NULL))
		return false;
	kps_interp_prepare(prog.code);
	return true;
}

static bool user_run(const void *regs, u64 *result)
{
	*result = kt_run(&prog, (unsigned long)regs, 0);
	return prog.run.end == KPS_RUN_DONE;
}

static void user_unload(void)
{
	kt_put(&prog);
}

static bool device_load(const struct engine *engine,
			const struct bpf_insn *insns, u32 cnt)
{
	struct kapsel_prog_load load = {
		.insns = (unsigned long)insns, .insn_cnt = cnt,
		.prog_type = KAPSEL_PROG_KPROBE, .engine = engine->kind,
		.ceiling = HIGH_CEILING,
		.name = "insn_test", .license = "GPL",
	};

	prog_fd = ioctl(device, KAPSEL_PROG_LOAD, &load);
	if (prog_fd < 0)
		ksft_print_msg("load: %s, code %u at %u\n", strerror(errno),
			       load.log.verdict.code, load.log.verdict.insn);
	return prog_fd >= 0;
}

static bool device_run(const void *regs, u64 *result)
{
	struct kapsel_test_run run = {
		.ctx_in = (unsigned long)regs, .ctx_size = PT_REGS_SIZE,
	};

	if (ioctl(prog_fd, KAPSEL_PROG_TEST_RUN, &run))
		return false;
	*result = run.retval;
	return true;
}

static void device_unload(void)
{
	if (prog_fd >= 0)
		close(prog_fd);
	prog_fd = -1;
}

static const struct engine engines[] = {
	{ "userspace", user_load, user_run, user_unload, 0 },
	{ "interpreter", device_load, device_run, device_unload,
	  KAPSEL_ENGINE_INTERP },
	{ "JIT", device_load, device_run, device_unload, KAPSEL_ENGINE_JIT },
};

/* ------------------------------------------------------------------------
 * Files
 */

/**
 * struct file - a data file being run
 * @name: of the file, without folder
 * @engine: that runs it
 * @text: of the program
 * @loaded: the program is the engine's current one
 * @cases: done so far
 * @failed: some result was wrong
 */
struct file {
	const char *name;
	const struct engine *engine;
	char text[MAX_TEXT];
	bool loaded;
	u32 cases;
	bool failed;
};

static void complain(struct file *file, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ksft_print_msg("%s, %s: %s\n", file->name, file->engine->name, text);
	file->failed = true;
}

static void unload(struct file *file)
{
	if (file->loaded)
		file->engine->unload();
	file->loaded = false;
}

/* The program's text, with a value for IMM. */
static void load(struct file *file, s32 imm)
{
	struct bpf_insn insns[MAX_SLOTS];
	char text[MAX_TEXT + 256], err[100];
	const char *at = strstr(file->text, "IMM");
	int n = at ? (int)(at - file->text) : 0;
	int cnt;

	unload(file);
	if (at)
		snprintf(text, sizeof(text), "%s%.*s%d%s", prologue, n,
			 file->text, imm, at + 3);
	else
		snprintf(text, sizeof(text), "%s%s", prologue, file->text);
	cnt = kt_asm(text, insns, MAX_SLOTS, err, sizeof(err));
	if (cnt < 0) {
		complain(file, "%s", err);
		return;
	}
	file->loaded = file->engine->load(file->engine, insns, cnt);
	if (!file->loaded)
		complain(file, "program was refused (imm %d)", imm);
}

static void expect(struct file *file, const u64 values[3], u64 expected)
{
	u64 regs[PT_REGS_SIZE / 8] = {}, result = 0;

	regs[112 / 8] = values[0];
	regs[104 / 8] = values[1];
	regs[96 / 8] = values[2];
	file->cases++;
	if (!file->loaded || !file->engine->run(regs, &result))
		complain(file, "did not run");
	else if (result != expected)
		complain(file, "0x%llx 0x%llx 0x%llx: 0x%llx, expected 0x%llx",
			 values[0], values[1], values[2], result, expected);
}

static void run_case(struct file *file, const char *line)
{
	u64 values[3] = {}, expected;
	const char *arrow = strstr(line, "->");
	char *end;
	u32 i;

	if (!arrow) {
		complain(file, "a case without result: %s", line);
		return;
	}
	expected = strtoull(arrow + 2, NULL, 0);
	for (i = 0; i < 3; i++) {
		values[i] = strtoull(line, &end, 0);
		if (end > arrow || end == line)
			break;
		line = end;
	}
	for (; i < 3; i++)
		values[i] = 0;
	if (!file->loaded)
		load(file, 0);
	expect(file, values, expected);
}

static void cross(struct file *file, const char *row, u64 second)
{
	u64 values[3] = { 0, second, 0 }, expected;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(edges) && !file->failed; i++) {
		values[0] = edges[i];
		if (!naive_eval(row, values[0], second, &expected))
			complain(file, "no naive %s", row);
		else
			expect(file, values, expected);
	}
}

static void run_edges(struct file *file, const char *row)
{
	u32 i;

	if (!strstr(file->text, "IMM")) {
		load(file, 0);
		for (i = 0; i < ARRAY_SIZE(edges) && !file->failed; i++)
			cross(file, row, edges[i]);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(imm_edges) && !file->failed; i++) {
		load(file, imm_edges[i]);
		cross(file, row, (s64)imm_edges[i]);
	}
}

static bool starts(const char *line, const char *word, const char **rest)
{
	size_t len = strlen(word);

	*rest = line + len;
	while (**rest == ' ' && !strncmp(line, word, len))
		(*rest)++;
	return !strncmp(line, word, len);
}

static void run_line(struct file *file, char *line)
{
	const char *rest;
	size_t len;

	line[strcspn(line, "\n")] = 0;
	if (starts(line, "asm:", &rest)) {
		unload(file);
		file->text[0] = 0;
	} else if (starts(line, "run:", &rest)) {
		run_case(file, rest);
	} else if (starts(line, "edges:", &rest)) {
		run_edges(file, rest);
	} else if (*line != '#') {
		len = strlen(file->text);
		snprintf(file->text + len, sizeof(file->text) - len, "%s\n", line);
	}
}

static void run_file(const char *folder, const char *name,
		     const struct engine *engine)
{
	struct file file = { .name = name, .engine = engine };
	char path[PATH_MAX], line[256];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	in = fopen(path, "r");
	if (!in) {
		ksft_test_result_fail("%s: %s\n", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), in))
		run_line(&file, line);
	unload(&file);
	fclose(in);
	if (!file.cases)
		complain(&file, "no cases");
	ksft_test_result(!file.failed, "%s %.*s (%u cases)\n", engine->name,
			 (int)strcspn(name, "."), name, file.cases);
}

/* ------------------------------------------------------------------------
 * The corpus
 */

static const char * const row_names[] = {
#define KPS_OPCODE(_name, ...)		#_name,
#define KPS_OPCODE_ALSO(_name, ...)	#_name,
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static int is_data(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && !strcmp(entry->d_name + len - 5, ".data");
}

static bool corpus_has(struct dirent **files, int n, const char *row)
{
	size_t len = strlen(row);
	int i;

	for (i = 0; i < n; i++)
		if (!strncmp(files[i]->d_name, row, len) &&
		    files[i]->d_name[len] == '.')
			return true;
	return false;
}

static void test_complete(struct dirent **files, int n)
{
	bool complete = true;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row_names); i++) {
		if (corpus_has(files, n, row_names[i]))
			continue;
		ksft_print_msg("no %s.data\n", row_names[i]);
		complete = false;
	}
	ksft_test_result(complete, "every instruction has a file\n");
}

/* Bit 1 << KAPSEL_ENGINE_* for those of the module; bit 0: userspace. */
static u32 find_engines(void)
{
	struct kapsel_abi abi = {};

	device = open(KAPSEL_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, KAPSEL_GET_ABI, &abi))
		return 1;
	return abi.engines | 1;
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "insn";
	u32 there = find_engines(), e;
	struct dirent **files;
	int n, i;

	ksft_print_header();
	n = scandir(folder, &files, is_data, alphasort);
	if (n < 0)
		ksft_exit_fail_msg("%s: %s\n", folder, strerror(errno));
	ksft_set_plan(1 + n * __builtin_popcount(there & 7));
	test_complete(files, n);
	for (e = 0; e < ARRAY_SIZE(engines); e++)
		for (i = 0; i < n && there & 1 << e; i++)
			run_file(folder, files[i]->d_name, &engines[e]);
	while (n)
		free(files[--n]);
	free(files);
	if (device >= 0)
		close(device);
	ksft_finished();
}
