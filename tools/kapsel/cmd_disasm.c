// SPDX-License-Identifier: GPL-2.0-only
/* kapsel disasm - the instructions of a file's programs, or of one in the kernel */

#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "native.h"
#include "objects.h"
#include "out.h"
#include "select.h"

enum { OPT_PROG, OPT_SOURCE, OPT_RAW, OPT_JIT };

const struct cli_option disasm_options[] = {
	[OPT_PROG] = { "--prog", 'p', true, "PROG: only this program (may be repeated)" },
	[OPT_SOURCE] = { "--source", 's', false, "with the source lines between" },
	[OPT_RAW] = { "--raw", 0, false, "with the bytes of each instruction" },
	[OPT_JIT] = { "--jit", 0, false, "with the machine code that each instruction becomes" },
	{ .name = NULL }
};

/**
 * struct style - what is shown of a program
 * @source: lines
 * @raw: bytes
 * @jit: machine code
 * @native: of the program being shown, if @jit
 */
struct style {
	bool source;
	bool raw;
	bool jit;
	struct native native;
};

static void put_native(const struct native *native, __u32 insn)
{
	const struct native_line *line;
	__u32 count;

	for (line = native_of(native, insn, &count); count; count--, line++)
		printf("          %5x:  %s\n", line->off, line->text);
}

static void put_raw(const struct bpf_insn *insn, __u32 slots)
{
	const unsigned char *bytes = (const unsigned char *)insn;
	__u32 i;

	for (i = 0; i < 8; i++)
		printf("%02x ", bytes[i]);
	if (slots == 2)
		fputs("... ", stdout);
	else
		fputs("    ", stdout);
}

static void put_source(const struct kapsel_prog *prog, __u32 insn,
		       const struct kapsel_line **last)
{
	const struct kapsel_line *line;
	bool near;

	line = kapsel_line_of(prog, insn, &near);
	if (line && line != *last && !near)
		printf("      ; %s:%u  %s\n", line->file, line->line,
		       line->text + strspn(line->text, " \t"));
	*last = line;
}

static void put_name(const struct kapsel_prog *prog, __u32 func)
{
	fputs(prog->funcs[func].name, stdout);
	if (func)
		puts(":");
	else
		printf(":  ; %s%s\n", prog->obj ? "SEC " : "loaded, ", prog->section);
}

static void put_text(const struct kapsel_prog *prog, const struct style *style)
{
	const struct kapsel_line *last = NULL;
	__u32 insn = 0, slots, func = 0;
	char text[192];

	while (insn < prog->insn_cnt) {
		if (func < prog->nr_funcs && prog->funcs[func].start == insn)
			put_name(prog, func++);
		if (style->source)
			put_source(prog, insn, &last);
		slots = kapsel_disasm(prog, insn, text, sizeof(text));
		printf("%5u: ", insn);
		if (style->raw)
			put_raw(&prog->insns[insn], slots);
		puts(text);
		if (style->jit)
			put_native(&style->native, insn);
		insn += slots;
	}
}

static void put_native_json(struct kapsel_json *js, const struct native *native, __u32 insn)
{
	const struct native_line *line;
	__u32 count;

	kapsel_json_open(js, "native", '[');
	for (line = native_of(native, insn, &count); count; count--, line++) {
		kapsel_json_open(js, NULL, '{');
		kapsel_json_u64(js, "off", line->off);
		kapsel_json_str(js, "text", line->text);
		kapsel_json_close(js, '}');
	}
	kapsel_json_close(js, ']');
}

static void put_insn(struct kapsel_json *js, const struct kapsel_prog *prog,
		     const struct style *style, __u32 insn)
{
	const struct kapsel_func *func = kapsel_func_of(prog, insn);
	const struct kapsel_line *line;
	char text[192];
	bool near;

	kapsel_json_open(js, NULL, '{');
	kapsel_json_u64(js, "insn", insn);
	kapsel_disasm(prog, insn, text, sizeof(text));
	kapsel_json_str(js, "text", text);
	kapsel_json_str(js, "function", func ? func->name : NULL);
	line = kapsel_line_of(prog, insn, &near);
	if (line) {
		kapsel_json_str(js, "file", line->file);
		kapsel_json_u64(js, "line", line->line);
		kapsel_json_u64(js, "col", line->col);
		kapsel_json_bool(js, "near", near);
	}
	if (style->jit)
		put_native_json(js, &style->native, insn);
	kapsel_json_close(js, '}');
}

static void put_json(struct kapsel_json *js, const struct kapsel_prog *prog,
		     const struct style *style)
{
	__u32 insn = 0;
	char text[192];

	kapsel_json_open(js, NULL, '{');
	kapsel_json_str(js, "prog", prog->name);
	kapsel_json_str(js, "section", prog->section);
	kapsel_json_open(js, "insns", '[');
	while (insn < prog->insn_cnt) {
		put_insn(js, prog, style, insn);
		insn += kapsel_disasm(prog, insn, text, sizeof(text));
	}
	kapsel_json_close(js, ']');
	kapsel_json_close(js, '}');
}

static void begin(struct kapsel_json *js)
{
	if (!cli.json)
		return;
	out_json_begin(js, stdout);
	kapsel_json_open(js, "programs", '[');
}

static void end(struct kapsel_json *js)
{
	if (!cli.json)
		return;
	kapsel_json_close(js, ']');
	out_json_end(js);
}

static void put_prog(struct kapsel_json *js, const struct kapsel_prog *prog,
		     const struct style *style)
{
	if (cli.json)
		put_json(js, prog, style);
	else
		put_text(prog, style);
}

/* As it becomes in this kernel: it is loaded for that, and gone when its file is closed. */
static int compile(const struct kapsel_dev *dev, struct kapsel_prog *prog, struct style *style)
{
	const struct kapsel_load_opts opts = { .engine = KAPSEL_ENGINE_JIT };
	struct kapsel_error err = {};
	struct kapsel_result res = {};
	int status = 0;

	if (kapsel_prog_load(dev, prog, &opts, &res, &err))
		status = cli_fail_result(&err, prog, &res);
	kapsel_result_free(&res);
	return status ?: native_read(prog->fd, &style->native);
}

static int put_one(struct kapsel_json *js, const struct kapsel_dev *dev,
		   struct kapsel_prog *prog, struct style *style)
{
	int status = style->jit ? compile(dev, prog, style) : 0;

	if (status)
		return status;
	put_prog(js, prog, style);
	native_free(&style->native);
	return 0;
}

static int put_all(const struct kapsel_dev *dev, struct kapsel_object *obj,
		   const struct selection *sel, struct style *style)
{
	__u32 i, count = kapsel_nr_progs(obj);
	struct kapsel_json js;
	bool more = false;
	int status = 0;

	begin(&js);
	for (i = 0; i < count && !status; i++) {
		struct kapsel_prog *prog = kapsel_prog_at(obj, i);

		if (!select_has(sel, prog))
			continue;
		if (more && !cli.json)
			putchar('\n');
		more = true;
		status = put_one(&js, dev, prog, style);
	}
	end(&js);
	return status;
}

static int put_compiled(struct kapsel_object *obj, const struct selection *sel,
			struct style *style)
{
	struct kapsel_error err = {};
	struct kapsel_dev dev;
	int status;

	if (kapsel_dev_open(&dev, cli.device, &err))
		return cli_fail(&err, 0);
	if (kapsel_maps_create(&dev, obj, &err))
		status = cli_fail(&err, 0);
	else
		status = put_all(&dev, obj, sel, style);
	kapsel_dev_close(&dev);
	return status;
}

static int disasm_file(const char *path, const struct selection *sel, struct style *style)
{
	struct kapsel_object *obj;
	int status = 0;

	obj = cli_open(path, &status);
	if (!obj)
		return status;
	status = select_check(sel, obj);
	if (!status && style->jit)
		status = put_compiled(obj, sel, style);
	else if (!status)
		status = put_all(NULL, obj, sel, style);
	kapsel_close(obj);
	return status;
}

static int fetch(const struct kapsel_dev *dev, const struct object *found, struct style *style)
{
	struct kapsel_error err = {};
	struct kapsel_prog *prog = kapsel_prog_fetch(dev, found->fd, &err);
	struct kapsel_json js;
	int status = 0;

	if (!prog)
		return cli_fail(&err, 0);
	if (style->jit)
		status = native_read(found->fd, &style->native);
	if (!status) {
		begin(&js);
		put_prog(&js, prog, style);
		end(&js);
	}
	native_free(&style->native);
	kapsel_prog_release(prog);
	return status;
}

static int disasm_loaded(const struct kapsel_dev *dev, const char *word, struct style *style)
{
	const struct object *found;
	struct objects objs;
	int status = 0;

	objects_read(dev, 1u << KAPSEL_OBJ_PROG, &objs);
	found = objects_find(&objs, word, "file or loaded program", &status);
	if (found)
		status = fetch(dev, found, style);
	objects_free(&objs);
	return status;
}

/* A word that is no file's name and does not look like one is a loaded program's. */
static int disasm(const char *word, const struct selection *sel, struct style *style)
{
	struct kapsel_error err;
	struct kapsel_dev dev;
	int status;

	if (!access(word, F_OK) || strchr(word, '/') ||
	    kapsel_dev_open(&dev, cli.device, &err))
		return disasm_file(word, sel, style);
	status = disasm_loaded(&dev, word, style);
	kapsel_dev_close(&dev);
	return status;
}

int cmd_disasm(int argc, char **argv)
{
	struct selection sel = { .check_only = true, .optional = true };
	struct style style = {};
	const char *word = NULL;
	struct cli_args args;
	int opt, status = 0;

	cli_args_init(&args, argc, argv, disasm_options);
	while (!status && (opt = cli_args_next(&args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			status = args.status;
		else if (opt == OPT_PROG)
			status = select_add(&sel, args.value);
		else if (opt == OPT_SOURCE)
			style.source = true;
		else if (opt == OPT_RAW)
			style.raw = true;
		else if (opt == OPT_JIT)
			style.jit = true;
		else if (opt == CLI_ARG_WORD && !word)
			word = args.value;
		else if (opt == CLI_ARG_WORD)
			status = cli_usage("what is '%s'? One FILE is enough", args.value);
	}
	if (!status && !word)
		status = cli_usage("no FILE and no PROG");
	return status ? status : disasm(word, &sel, &style);
}
