// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - machine code as text, by a disassembler of this machine */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "native.h"

#define PATH_ROOM 4096

/**
 * struct tool - a disassembler
 * @name: of the program
 * @command: with the file's name for %s
 * @hex: it reads bytes as hexadecimal text, and says which an instruction has
 */
static const struct tool {
	const char *name;
	const char *command;
	bool hex;
} tools[] = {
	{ "objdump", "objdump -D -b binary -m i386:x86-64 --no-show-raw-insn %s", false },
	{ "llvm-mc", "llvm-mc --disassemble --triple=x86_64 --show-encoding %s", true },
};

static bool is_there(const char *name)
{
	char path[PATH_ROOM], *all = strdup(getenv("PATH") ?: ""), *rest = all, *dir;
	bool there = false;

	while (rest && !there && (dir = strsep(&rest, ":"))) {
		snprintf(path, sizeof(path), "%s/%s", *dir ? dir : ".", name);
		there = !access(path, X_OK);
	}
	free(all);
	return there;
}

static const struct tool *find_tool(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(tools); i++)
		if (is_there(tools[i].name))
			return &tools[i];
	return NULL;
}

static bool add_line(struct native *native, __u32 off, const char *text)
{
	struct native_line *lines;

	lines = realloc(native->lines, (native->count + 1) * sizeof(*lines));
	if (!lines)
		return false;
	native->lines = lines;
	lines[native->count] = (struct native_line){ .off = off, .text = strdup(text) };
	return lines[native->count].text && ++native->count;
}

/* Tabs become blanks; none are left at the end. */
static void tidy(char *text)
{
	size_t len;

	text[strcspn(text, "\n#")] = 0;
	for (len = 0; text[len]; len++)
		if (text[len] == '\t')
			text[len] = ' ';
	while (len && text[len - 1] == ' ')
		text[--len] = 0;
}

/* "  1f:   push %rbp" */
static bool take_plain(struct native *native, char *line)
{
	unsigned int off;
	int at = 0;

	if (sscanf(line, " %x:%n", &off, &at) != 1 || !at)
		return true;
	at += strspn(line + at, " \t");
	tidy(line + at);
	return add_line(native, off, line + at);
}

/* "   pushq %rbp   # encoding: [0x55]" */
static bool take_hex(struct native *native, char *line, __u32 *off)
{
	const char *bytes = strstr(line, "# encoding: [");
	__u32 size = 0, at = strspn(line, " \t");

	if (!bytes)
		return true;
	while ((bytes = strstr(bytes, "0x"))) {
		bytes += 2;
		size++;
	}
	tidy(line + at);
	*off += size;
	return add_line(native, *off - size, line + at);
}

static bool read_lines(struct native *native, const struct tool *tool, FILE *in)
{
	bool fine = true;
	char line[512];
	__u32 off = 0;

	while (fine && fgets(line, sizeof(line), in))
		fine = tool->hex ? take_hex(native, line, &off) : take_plain(native, line);
	return fine;
}

static bool write_code(const struct native *native, const struct tool *tool, int fd)
{
	FILE *out = fdopen(fd, "w");
	bool fine = out;
	__u32 i;

	for (i = 0; i < native->image.code_size && fine; i++)
		fine = tool->hex ? fprintf(out, "0x%02x\n", native->image.code[i]) > 0 :
		       putc(native->image.code[i], out) != EOF;
	if (out)
		fine = !fclose(out) && fine;
	else
		close(fd);
	return fine;
}

/* The name is of letters that no shell heeds. */
static bool run_tool(struct native *native, const struct tool *tool, const char *path)
{
	char command[256];
	bool fine;
	FILE *in;

	snprintf(command, sizeof(command), tool->command, path);
	in = popen(command, "re");
	if (!in)
		return false;
	fine = read_lines(native, tool, in);
	return !pclose(in) && fine && native->count;
}

static int fail(int code, const char *text, const char *hint)
{
	struct kapsel_error err = { .err = code };

	snprintf(err.text, sizeof(err.text), "%s", text);
	snprintf(err.hint, sizeof(err.hint), "%s", hint);
	return cli_fail(&err, CLI_ENVIRONMENT);
}

static int disassemble(struct native *native)
{
	const struct tool *tool = find_tool();
	char path[] = "/tmp/kapsel-XXXXXX";
	bool fine;
	int fd;

	if (!tool)
		return fail(-ENOENT, "there is no disassembler",
			    "install the package binutils (objdump) or llvm (llvm-mc)");
	fd = mkstemp(path);
	if (fd < 0)
		return fail(-errno, "cannot make a file in /tmp", "");
	fine = write_code(native, tool, fd) && run_tool(native, tool, path);
	unlink(path);
	return fine ? 0 : fail(-EIO, "the disassembler failed", tool->name);
}

int native_read(int prog_fd, struct native *native)
{
	struct kapsel_error err = {};
	int status;

	memset(native, 0, sizeof(*native));
	if (kapsel_prog_image(prog_fd, &native->image, &err))
		return cli_fail(&err, 0);
	status = disassemble(native);
	if (status)
		native_free(native);
	return status;
}

/* Bytes of the image that are an instruction's: from *@from up to what comes back. */
static __u32 span_of(const struct kapsel_image *image, __u32 insn, __u32 *from)
{
	__u32 i, off = 0;

	for (i = 0; i < image->insn_cnt; i++) {
		if (image->insns[i].insn != insn)
			continue;
		*from = image->insns[i].off;
		return i + 1 < image->insn_cnt ? image->insns[i + 1].off : image->code_size;
	}
	for (i = 0; i < image->func_cnt && !image->insn_cnt; i++) {
		*from = off;
		off += image->funcs[i].size;
		if (image->funcs[i].insn == insn)
			return off;
	}
	*from = 0;
	return 0;
}

const struct native_line *native_of(const struct native *native, __u32 insn, __u32 *count)
{
	__u32 from, to = span_of(&native->image, insn, &from), first = 0, n;

	while (first < native->count && native->lines[first].off < from)
		first++;
	for (n = first; n < native->count && native->lines[n].off < to; n++)
		;
	*count = n - first;
	return &native->lines[first];
}

void native_free(struct native *native)
{
	while (native->count)
		free(native->lines[--native->count].text);
	free(native->lines);
	kapsel_image_free(&native->image);
	memset(native, 0, sizeof(*native));
}
