// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plugin for the public conformance runner, run as that runs it: programs of
 * each conformance group of RFC 9669 on each engine there is, what has to be
 * refused, and wrong usage. The plugin is the kapsel-conformance of the PATH.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "kselftest.h"
#include "lib/asm.h"

#define PLUGIN		"kapsel-conformance"
#define MAX_SLOTS	64
#define MAX_OUTPUT	1024
#define MAX_ARGS	8
#define NOT_FOUND	127

/* Status of the plugin, beside 0. */
enum { REFUSED = 1, USAGE };

/**
 * struct program - a program and what becomes of it
 * @group: of instructions, or that of what is refused
 * @result: r0; of what is refused: what stderr mentions
 * @name: of the case
 * @text: as kt_asm() reads it
 * @memory: the plugin's first argument, or NULL
 */
static const struct program {
	const char *group;
	const char *result;
	const char *name;
	const char *text;
	const char *memory;
} programs[] = {
	{ "base32", "fffffffe", "add and sub", "w0 = -1\n w0 += 3\n w0 -= 4\n exit\n" },
	{ "base32", "f0f8", "logic",
	  "w0 = 0xff0\n w1 = 0x0f3\n w0 &= w1\n w0 |= 8\n w0 ^= 0xf000\n exit\n" },
	{ "base32", "f8000000", "shifts",
	  "w0 = 0x80000001\n w0 s>>= 4\n w0 >>= 1\n w0 <<= 1\n exit\n" },
	{ "base32", "fffffff8", "shifts by a register",
	  "w0 = -16\n r1 = 0x21 ll\n w0 s>>= w1\n exit\n" },
	{ "base32", "3800000", "shifts by the width and more",
	  "w0 = 0x80000001\n w0 s>>= 36\n w0 >>= -31\n w0 <<= 64\n w0 >>= 0x20\n"
	  "w0 <<= 33\n w0 ^= 0xff000000\n w0 >>= 33\n exit\n" },
	{ "base32", "ffffffff", "neg", "w0 = 1\n w0 = -w0\n exit\n" },
	{ "base32", "ffffff80", "movsx", "w1 = 0x80\n w0 = (s8)w1\n exit\n" },
	{ "base32", "4433", "byte order", "w0 = 0x11223344\n r0 = be16 r0\n exit\n" },
	{ "base32", "44332211", "bswap", "w0 = 0x11223344\n r0 = bswap32 r0\n exit\n" },
	{ "base32", "7", "jumps",
	  "w0 = 1\n w1 = -1\n if w1 s< 0 goto next\n w0 = 2\n exit\n"
	  "next: if w1 > 1 goto last\n w0 = 3\n exit\n last: w0 += 6\n exit\n" },
	{ "base32", "1", "gotol", "w0 = 1\n gotol last\n w0 = 2\n last: exit\n" },
	{ "base32", "20403", "narrow loads",
	  "r0 = *(u8 *)(r1 + 1)\n r2 = *(u16 *)(r1 + 2)\n r0 <<= 16\n"
	  "r0 |= r2\n exit\n", "01 02 03 04" },
	{ "base32", "ffffffffffffffff", "loads that extend the sign",
	  "r0 = *(s8 *)(r1 + 0)\n exit\n", "ff" },
	{ "base32", "1020904", "stores",
	  "*(u32 *)(r1 + 0) = 0x01020304\n r3 = 9\n *(u8 *)(r1 + 1) = r3\n"
	  "r0 = *(u32 *)(r1 + 0)\n exit\n", "00 00 00 00" },
	{ "base32", "b", "a local call",
	  "r1 = 5\n call double\n r0 += 1\n exit\n double: r0 = r1\n r0 += r1\n exit\n" },
	{ "base32", "2", "helper 5", "call 5\n r0 = 2\n exit\n" },
	{ "base32", "1", "code that nothing reaches", "r0 = 1\n exit\n r0 = 2\n exit\n" },
	{ "base64", "8", "memory and its size", "r0 = r2\n exit\n", "00 00 00 01 00 00 00 02" },
	{ "base64", "0", "no memory", "r0 = r1\n r0 |= r2\n exit\n" },
	{ "base64", "8877665544332211", "a load across words",
	  "r0 = *(u64 *)(r1 + 2)\n exit\n", "aa bb 11 22 33 44 55 66 77 88 cc dd" },
	{ "base64", "1122334455667788", "lddw", "r0 = 0x1122334455667788 ll\n exit\n" },
	{ "base64", "ffffffffffffffff", "an immediate extends its sign",
	  "r0 = -2\n r0 -= -1\n exit\n" },
	{ "base64", "7", "the stack",
	  "r1 = r10\n r1 += -16\n *(u64 *)(r1 + 8) = 7\n r0 = *(u64 *)(r10 - 8)\n exit\n" },
	{ "base64", "fffffffffffffff0", "shifts",
	  "r0 = -1\n r0 >>= 4\n r0 <<= 8\n r1 = 68\n r0 s>>= r1\n exit\n" },
	{ "base64", "fffffffffffffff0", "shifts by the width and more",
	  "r0 = -1\n r0 >>= 68\n r0 <<= -56\n r0 s>>= 132\n r0 >>= 64\n exit\n" },
	{ "base64", "80ffffffffffff", "movsx and bswap",
	  "r1 = 0x8000\n r0 = (s16)r1\n r0 = bswap64 r0\n exit\n" },
	{ "base64", "37", "a loop",
	  "r1 = 10\n r0 = 0\n again: r0 += r1\n r1 += -1\n if r1 != 0 goto again\n exit\n" },
	{ "base64", "9", "a loop to the beginning",
	  "r2 += 1\n if r2 != 9 goto -2\n r0 = r2\n exit\n", "00" },
	{ "base64", "4", "jset",
	  "r0 = 1\n r1 = 0x100000000 ll\n if r1 & 1 goto last\n r0 = 4\n last: exit\n" },
	{ "divmul32", "6", "mul, div and mod",
	  "w0 = -1\n w0 *= 3\n w0 /= 7\n w0 %= 10\n exit\n" },
	{ "divmul32", "7", "by zero",
	  "r0 = 0x100000007 ll\n w1 = 0\n w0 %= w1\n r2 = r0\n w2 /= w1\n w0 += w2\n"
	  "exit\n" },
	{ "divmul32", "7ffffffd", "signed",
	  "w0 = 0x80000000\n w0 s/= -1\n w1 = -7\n w1 s%= 4\n w0 += w1\n exit\n" },
	{ "divmul64", "1", "mul, div and mod",
	  "r0 = -1\n r0 *= 3\n r0 /= 7\n r0 %= 10\n exit\n" },
	{ "divmul64", "ffffffffffffffff", "by zero",
	  "r0 = -1\n r1 = 0\n r0 %= r1\n r2 = r0\n r2 /= r1\n r0 += r2\n exit\n" },
	{ "divmul64", "7ffffffffffffffd", "signed",
	  "r0 = 0x8000000000000000 ll\n r0 s/= -1\n r1 = -7\n r1 s%= 4\n r0 += r1\n exit\n" },
	{ "atomic32", "100000000", "add and fetch",
	  "*(u64 *)(r10 - 8) = -1\n r0 = 2\n lock *(u32 *)(r10 - 8) += w0\n"
	  "w0 = atomic_fetch_or((u32 *)(r10 - 8), w0)\n r1 = *(u64 *)(r10 - 8)\n"
	  "r1 >>= 32\n r0 += r1\n exit\n" },
	{ "atomic32", "609", "xchg and cmpxchg",
	  "*(u32 *)(r1 + 0) = 5\n w0 = 6\n w0 = xchg32_32(r1 + 0, w0)\n w0 += 1\n"
	  "w2 = 9\n w0 = cmpxchg32_32(r1 + 0, w0, w2)\n r2 = *(u32 *)(r1 + 0)\n"
	  "r0 <<= 8\n r0 |= r2\n exit\n", "00 00 00 00" },
	{ "atomic64", "a02", "add and fetch",
	  "*(u64 *)(r10 - 8) = 12\n r0 = 6\n lock *(u64 *)(r10 - 8) ^= r0\n"
	  "r0 = atomic_fetch_and((u64 *)(r10 - 8), r0)\n r1 = *(u64 *)(r10 - 8)\n"
	  "r0 <<= 8\n r0 |= r1\n exit\n" },
	{ "atomic64", "6", "xchg and cmpxchg",
	  "*(u64 *)(r1 + 0) = -5\n r0 = 6\n r0 = xchg_64(r1 + 0, r0)\n r2 = 9\n"
	  "r0 = cmpxchg_64(r1 + 0, r0, r2)\n exit\n", "00 00 00 00 00 00 00 00" },
	{ "refused", "KV002", "opcode 0", ".insn 0, 0, 0, 0, 0\n r0 = 0\n exit\n" },
	{ "refused", "KV002", "opcode 0xff", ".insn 0xff, 0, 0, 0, 0\n r0 = 0\n exit\n" },
	{ "refused", "KV002", "a call by register",
	  "r1 = 5\n .insn 0x8d, 1, 0, 0, 0\n exit\n" },
	{ "refused", "KV005", "packet access", "r6 = r1\n .insn 0x30, 0, 0, 0, 0\n exit\n" },
	{ "refused", "KV004", "register 11", ".insn 0xb7, 11, 0, 0, 1\n r0 = 0\n exit\n" },
	{ "refused", "KV004", "a write to r10", ".insn 0xb7, 10, 0, 0, 1\n r0 = 0\n exit\n" },
	{ "refused", "KV003", "src of an immediate add",
	  "r0 = 0\n .insn 0x07, 0, 1, 0, 1\n exit\n" },
	{ "refused", "KV003", "off of an add", "r0 = 0\n .insn 0x07, 0, 0, 1, 1\n exit\n" },
	{ "refused", "KV003", "imm of a register add",
	  "r0 = 0\n .insn 0x0f, 0, 0, 0, 1\n exit\n" },
	{ "refused", "KV002", "off 2 of a division",
	  "r0 = 1\n .insn 0x37, 0, 0, 2, 1\n exit\n" },
	{ "refused", "KV002", "off 7 of a mov", "r0 = 1\n .insn 0xbf, 0, 0, 7, 0\n exit\n" },
	{ "refused", "KV002", "off 32 of a 32-bit mov",
	  "r0 = 1\n .insn 0xbc, 0, 0, 32, 0\n exit\n" },
	{ "refused", "KV003", "imm of neg", "r0 = 1\n .insn 0x87, 0, 0, 0, 1\n exit\n" },
	{ "refused", "KV003", "src of neg", "r0 = 1\n .insn 0x87, 0, 1, 0, 0\n exit\n" },
	{ "refused", "KV002", "a swap of 24 bits",
	  "r0 = 1\n .insn 0xd4, 0, 0, 0, 24\n exit\n" },
	{ "refused", "KV003", "imm of a load",
	  ".insn 0x61, 0, 1, 0, 1\n exit\n", "00 00 00 00" },
	{ "refused", "KV003", "src of an immediate store",
	  ".insn 0x62, 1, 1, 0, 1\n r0 = 0\n exit\n", "00 00 00 00" },
	{ "refused", "KV003", "imm of a store",
	  ".insn 0x63, 1, 2, 0, 1\n r0 = 0\n exit\n", "00 00 00 00" },
	{ "refused", "KV002", "an atomic sub",
	  "r0 = 0\n .insn 0xdb, 1, 0, 0, 0x10\n exit\n", "00 00 00 00 00 00 00 00" },
	{ "refused", "KV002", "an atomic operation on a byte",
	  "r0 = 0\n .insn 0xd3, 1, 0, 0, 0\n exit\n", "00" },
	{ "refused", "KV003", "imm of ja", "r0 = 0\n .insn 0x05, 0, 0, 0, 1\n exit\n" },
	{ "refused", "KV003", "off of gotol", "r0 = 0\n .insn 0x06, 0, 0, 1, 0\n exit\n" },
	{ "refused", "KV003", "imm of a jump by register",
	  "r0 = 0\n .insn 0x1d, 0, 0, 0, 1\n exit\n" },
	{ "refused", "KV003", "dst of exit", "r0 = 0\n .insn 0x95, 1, 0, 0, 0\n" },
	{ "refused", "KV003", "off of a call", ".insn 0x85, 0, 0, 1, 5\n exit\n" },
	{ "refused", "KV002", "a call of a kernel function",
	  ".insn 0x85, 0, 2, 0, 42\n exit\n" },
	{ "refused", "KV040", "no such helper", "call 4711\n exit\n" },
	{ "refused", "KV006", "half a lddw", "r0 = 0\n exit\n .insn 0x18, 0, 0, 0, 1\n" },
	{ "refused", "KV006", "an opcode in lddw's other half",
	  ".insn 0x18, 0, 0, 0, 1\n .insn 7, 0, 0, 0, 0\n exit\n" },
	{ "refused", "KV011", "a jump into a lddw",
	  "r0 = 0\n if r0 == 1 goto +1\n r0 = 7 ll\n exit\n" },
	{ "refused", "refers to a map", "a map, of which there is none",
	  ".insn 0x18, 1, 1, 0, 0\n .insn 0, 0, 0, 0, 0\n r0 = 0\n exit\n", "00 00 00 00" },
	{ "refused", "leads out", "a jump to before the beginning",
	  "r0 = 0\n if r0 != 0 goto -3\n exit\n" },
	{ "refused", "KV010", "a jump to behind the end",
	  "r0 = 0\n if r0 == 0 goto +1\n exit\n" },
	{ "refused", "KV012", "no exit", "r0 = 0\n" },
	{ "refused", "KV020", "r0 that nothing wrote", "exit\n" },
	{ "refused", "KV035", "a load behind the memory",
	  "r0 = *(u32 *)(r1 + 1)\n exit\n", "00 00 00 00" },
	{ "refused", "KV022", "a load without memory", "r0 = *(u8 *)(r1 + 0)\n exit\n" },
	{ "refused", "KV070", "a loop without end", "r0 = 0\n again: goto again\n" },
};

/* r0 = 0; exit */
#define NOTHING "b7 00 00 00 00 00 00 00 95 00 00 00 00 00 00 00"
#define MOVSX "b7 01 00 00 ff 00 00 00 bf 10 08 00 00 00 00 00 95 00 00 00 00 00 00 00"

/**
 * struct usage - a call of the plugin
 * @name: of the case
 * @input: given on stdin
 * @args: after the name; up to the first NULL
 * @status: the plugin's
 * @says: of status 0: all of stdout; else what stderr mentions
 */
static const struct usage {
	const char *name;
	const char *input;
	const char *args[MAX_ARGS];
	int status;
	const char *says;
} usages[] = {
	{ "blanks and newlines", "b7 00 00 00\n 2a 00  00 00\n\n95 00 00 00 00 00 00 00\n",
	  {}, 0, "2a" },
	{ "no blanks", "B70000002A0000009500000000000000", {}, 0, "2a" },
	{ "an option before the memory", NOTHING, { "--engine", "user", "00 01" }, 0, "0" },
	{ "an option behind the memory", NOTHING, { "00 01  ", "--engine=user" }, 0, "0" },
	{ "empty arguments", NOTHING, { "", "" }, 0, "0" },
	{ "options in one argument", MOVSX, { "", "--engine user --cpu_version  v4 " }, 0,
	  "ffffffffffffffff" },
	{ "and the memory in another", NOTHING, { "00 01", "--debug --engine=user" }, 0, "0" },
	{ "too old a version among them", MOVSX, { "--debug --cpu_version v3" }, REFUSED, "movsx" },
	{ "v4 is the default", MOVSX, {}, 0, "ffffffffffffffff" },
	{ "v4 by name", MOVSX, { "--cpu_version", "v4" }, 0, "ffffffffffffffff" },
	{ "too old a version", MOVSX, { "--cpu-version=3" }, REFUSED, "movsx" },
	{ "no such version", NOTHING, { "--cpu_version", "v5" }, USAGE, "v1 to v4" },
	{ "no such engine", NOTHING, { "--engine", "fast" }, USAGE, "no such engine" },
	{ "no such option", NOTHING, { "--fast" }, USAGE, "--fast" },
	{ "an option without its value", NOTHING, { "--engine" }, USAGE, "--engine" },
	{ "a second memory", NOTHING, { "00", "01" }, USAGE, "01" },
	{ "no program", "", {}, REFUSED, "0 bytes" },
	{ "half an instruction", "b7 00 00 00", {}, REFUSED, "4 bytes" },
	{ "an odd digit", NOTHING " 9", {}, REFUSED, "the program" },
	{ "digits that stand alone", "b 7 0", {}, REFUSED, "the program" },
	{ "no digits", "r0 = 0", {}, REFUSED, "the program" },
	{ "memory of an odd digit", NOTHING, { "00 1" }, REFUSED, "the memory" },
	{ "memory of no digits", NOTHING, { "zero" }, REFUSED, "the memory" },
	{ "a byte too many", NOTHING " 00", {}, REFUSED, "17 bytes" },
	{ "why", "95 00 00 00 00 00 00 00", { "--debug" }, REFUSED, "error[KV" },
};

/* ------------------------------------------------------------------------
 * The plugin
 */

/** struct call - a call of the plugin, and what came of it; one line each */
struct call {
	char *args[MAX_ARGS + 2];
	const char *input;
	int status;
	char out[MAX_OUTPUT];
	char err[MAX_OUTPUT];
};

static FILE *file_with(const char *text)
{
	FILE *file = tmpfile();

	if (!file)
		ksft_exit_fail_msg("no temporary file: %s\n", strerror(errno));
	fputs(text, file);
	rewind(file);
	return file;
}

static void take(FILE *file, char *text)
{
	size_t len;

	rewind(file);
	len = fread(text, 1, MAX_OUTPUT - 1, file);
	text[len] = 0;
	fclose(file);
}

static void exec_plugin(char **args, FILE *in, FILE *out, FILE *err)
{
	if (dup2(fileno(in), 0) < 0 || dup2(fileno(out), 1) < 0 || dup2(fileno(err), 2) < 0)
		_exit(NOT_FOUND);
	execvp(PLUGIN, args);
	_exit(NOT_FOUND);
}

static void run_plugin(struct call *call)
{
	FILE *in = file_with(call->input), *out = file_with(""), *err = file_with("");
	int status = 0;
	pid_t pid;

	call->args[0] = PLUGIN;
	fflush(stdout);
	pid = fork();
	if (!pid)
		exec_plugin(call->args, in, out, err);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		ksft_exit_fail_msg("cannot run %s: %s\n", PLUGIN, strerror(errno));
	call->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	fclose(in);
	take(out, call->out);
	take(err, call->err);
}

/* Did it do what it should? @says as in struct usage. */
static bool fine(const struct call *call, int status, const char *says)
{
	size_t len = strlen(says);
	bool right;

	if (status)
		right = !*call->out && strstr(call->err, says);
	else
		right = !strncmp(call->out, says, len) && !strcmp(call->out + len, "\n");
	if (call->status == status && right)
		return true;
	ksft_print_msg("status %d, not %d; it says '%s' and '%s', not '%s'\n", call->status,
		       status, call->out, call->err, says);
	return false;
}

/* ------------------------------------------------------------------------
 * Cases
 */

static void write_hex(const void *data, size_t size, char *text)
{
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		text += sprintf(text, "%02x ", bytes[i]);
}

static void run_program(const struct program *p, const char *engine)
{
	char text[MAX_SLOTS * sizeof(struct bpf_insn) * 3 + 1], why[100];
	struct call call = { .input = text };
	struct bpf_insn insns[MAX_SLOTS];
	bool ok = false;
	u32 n = 1;
	int cnt;

	cnt = kt_asm(p->text, insns, MAX_SLOTS, why, sizeof(why));
	if (cnt < 0) {
		ksft_print_msg("%s\n", why);
	} else {
		write_hex(insns, cnt * sizeof(*insns), text);
		if (p->memory)
			call.args[n++] = (char *)p->memory;
		call.args[n++] = "--engine";
		call.args[n] = (char *)engine;
		run_plugin(&call);
		ok = fine(&call, strcmp(p->group, "refused") ? 0 : REFUSED, p->result);
	}
	ksft_test_result(ok, "%s %s: %s\n", engine, p->group, p->name);
}

static void run_usage(const struct usage *u)
{
	struct call call = { .input = u->input };

	memcpy(call.args + 1, u->args, sizeof(u->args));
	run_plugin(&call);
	ksft_test_result(fine(&call, u->status, u->says), "usage: %s\n", u->name);
}

/* Bit 1 << KAPSEL_ENGINE_* for those of the module; bit 0: the plugin's own. */
static u32 find_engines(void)
{
	int device = open(KAPSEL_DEVICE, O_RDWR | O_CLOEXEC);
	struct kapsel_abi abi = {};

	if (device >= 0 && ioctl(device, KAPSEL_GET_ABI, &abi))
		abi.engines = 0;
	if (device >= 0)
		close(device);
	return abi.engines | 1;
}

static void run_engine(const char *engine)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		run_program(&programs[i], engine);
}

int main(void)
{
	static const char * const names[] = { "user", "interp", "jit" };
	struct call call = { .args = { NULL, "--help" }, .input = "" };
	u32 there = find_engines(), e, i;

	ksft_print_header();
	run_plugin(&call);
	if (call.status == NOT_FOUND)
		ksft_exit_skip("no %s: make conformance-plugin\n", PLUGIN);
	ksft_set_plan(ARRAY_SIZE(names) - __builtin_popcount(there & 7) + ARRAY_SIZE(usages) +
		      ARRAY_SIZE(programs) * __builtin_popcount(there & 7));
	for (e = 0; e < ARRAY_SIZE(names); e++) {
		if (there & 1 << e)
			run_engine(names[e]);
		else
			ksft_test_result_skip("%s: there is no such engine\n", names[e]);
	}
	for (i = 0; i < ARRAY_SIZE(usages); i++)
		run_usage(&usages[i]);
	ksft_finished();
}
