// SPDX-License-Identifier: GPL-2.0-only
/* The command offline: exit statuses, and what goes to which stream */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "lib/elf_build.h"
#include "tree.h"

#define MAX_ARGS 8
#define DEPTH 32

enum { DONE, FAILED, USAGE, REJECTED, ENVIRONMENT };

/* ------------------------------------------------------------------------
 * JSON: whether a text is one value, all of it
 */
static const char *json_value(const char *at, int depth);

static const char *json_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *json_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at == '\\' && !strchr("\"\\/bfnrtu", *++at))
			return NULL;
	}
	return at + 1;
}

static const char *json_word(const char *at)
{
	static const char * const words[] = { "true", "false", "null" };
	char *end;
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	if (*at != '-' && !isdigit((unsigned char)*at))
		return NULL;
	strtod(at, &end);
	return end > at ? end : NULL;
}

static const char *json_member(const char *at, char close, int depth)
{
	if (close == '}') {
		at = json_string(at);
		at = at ? json_space(at) : NULL;
		if (!at || *at++ != ':')
			return NULL;
	}
	return json_value(json_space(at), depth);
}

static const char *json_members(const char *at, char close, int depth)
{
	at = json_space(at);
	if (*at == close)
		return at + 1;
	while (depth < DEPTH && (at = json_member(at, close, depth + 1))) {
		at = json_space(at);
		if (*at == close)
			return at + 1;
		if (*at++ != ',')
			return NULL;
		at = json_space(at);
	}
	return NULL;
}

static const char *json_value(const char *at, int depth)
{
	switch (*at) {
	case '{':
		return json_members(at + 1, '}', depth);
	case '[':
		return json_members(at + 1, ']', depth);
	case '"':
		return json_string(at);
	}
	return json_word(at);
}

static bool is_json(const char *text)
{
	const char *end = json_value(json_space(text), 0);

	return end && !*json_space(end);
}

/* One object with a version, on one line. */
static bool is_json_object(const char *text)
{
	const char *newline = strchr(text, '\n');

	return is_json(text) && !strncmp(text, "{\"v\":1,", 7) && newline && !newline[1];
}

TEST(the_checker_itself)
{
	EXPECT_TRUE(is_json("{\"a\":[1,-2.5e3,\"x\\\"y\",null,true,{}],\"b\":[]}\n"));
	EXPECT_FALSE(is_json(""));
	EXPECT_FALSE(is_json("{\"a\":1,}"));
	EXPECT_FALSE(is_json("{\"a\" 1}"));
	EXPECT_FALSE(is_json("[1 2]"));
	EXPECT_FALSE(is_json("[1]]"));
	EXPECT_FALSE(is_json("{} {}"));
	EXPECT_FALSE(is_json("\"open"));
	EXPECT_FALSE(is_json("\"a\nb\""));
	EXPECT_FALSE(is_json("\"\\x\""));
	EXPECT_FALSE(is_json("nul"));
	EXPECT_TRUE(is_json_object("{\"v\":1,\"error\":{}}\n"));
	EXPECT_FALSE(is_json_object("[1]\n"));
}

/* ------------------------------------------------------------------------
 * The command
 */
FIXTURE(cli)
{
	char dir[64];
	char good[100];
	char bad[100];
	char endless[100];
	char command[PATH_MAX];
	char *out;
	char *err;
};

static const struct bpf_insn good_insns[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

/* r0 = r3, which nothing wrote. */
static const struct bpf_insn bad_insns[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .src_reg = 3 },
	{ .code = BPF_JMP | BPF_EXIT },
};

/* Until r0, which is even, is an odd argument. */
static const struct bpf_insn endless_insns[] = {
	{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1, .off = 112 },
	{ .code = BPF_ALU64 | BPF_OR | BPF_K, .dst_reg = 2, .imm = 1 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0 },
	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .imm = 2 },
	{ .code = BPF_JMP | BPF_JNE | BPF_X, .src_reg = 2, .off = -2 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static int write_object(const char *path, const struct bpf_insn *insns, size_t size)
{
	struct elf_build eb;
	FILE *file = fopen(path, "we");
	int err = !file;
	u32 code;

	elf_build_init(&eb);
	code = elf_build_section(&eb, "kprobe/vfs_read", SHT_PROGBITS,
				 SHF_ALLOC | SHF_EXECINSTR, insns, size);
	elf_build_symbol(&eb, "prog", code, 0, size, STT_FUNC, STB_GLOBAL);
	elf_build_section(&eb, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
	elf_build_finish(&eb);
	if (file) {
		err = fwrite(eb.image.data, eb.image.size, 1, file) != 1;
		err |= fclose(file);
	}
	elf_build_free(&eb);
	return err;
}

FIXTURE_SETUP(cli)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/kapsel-cli.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->good, sizeof(self->good), "%s/good.o", self->dir);
	snprintf(self->bad, sizeof(self->bad), "%s/bad.o", self->dir);
	snprintf(self->endless, sizeof(self->endless), "%s/endless.o", self->dir);
	ASSERT_EQ(0, write_object(self->good, good_insns, sizeof(good_insns)));
	ASSERT_EQ(0, write_object(self->bad, bad_insns, sizeof(bad_insns)));
	ASSERT_EQ(0, write_object(self->endless, endless_insns, sizeof(endless_insns)));
	tree_path("build/kapsel", self->command);
	if (access(self->command, X_OK))
		SKIP(return, "%.200s is not built", self->command);
}

FIXTURE_TEARDOWN(cli)
{
	unlink(self->good);
	unlink(self->bad);
	unlink(self->endless);
	rmdir(self->dir);
	free(self->out);
	free(self->err);
}

static char *read_back(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, size + 1);

	if (!text || pread(fd, text, size, 0) != size)
		abort();
	close(fd);
	return text;
}

static void become(const char *command, char **argv, int out, int err)
{
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setenv("LC_ALL", "C", 1);
	execv(command, argv);
	_exit(127);
}

/* Runs it with the words of @line; returns the exit status. */
static int run(struct _test_data_cli *self, const char *line)
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	char words[300], *argv[MAX_ARGS + 2] = { "kapsel" }, *word;
	int argc = 1, status = 0;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok(words, " "); word && argc <= MAX_ARGS; word = strtok(NULL, " "))
		argv[argc++] = !strcmp(word, "GOOD") ? self->good :
			       !strcmp(word, "BAD") ? self->bad :
			       !strcmp(word, "ENDLESS") ? self->endless : word;
	pid = fork();
	if (!pid)
		become(self->command, argv, out, err);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	free(self->out);
	free(self->err);
	self->out = read_back(out);
	self->err = read_back(err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct row {
	char line[80];
	int status;
	char out[40];	/* on stdout, "" : nothing is there */
	char err[60];	/* on stderr, likewise */
};

/* Nowhere is there such a device, so that no module answers either. */
#define NODEV "--device /nonexistent "

static const struct row rows[] = {
	{ "help", DONE, "usage: kapsel", "" },
	{ "--help", DONE, "verify", "" },
	{ "help verify", DONE, "usage: kapsel verify", "" },
	{ "verify --help", DONE, "usage: kapsel verify", "" },
	{ "--version", DONE, "kapsel ", "" },
	{ "", USAGE, "", "no command" },
	{ "verfy GOOD", USAGE, "", "unknown command 'verfy' (did you mean 'verify'?)" },
	{ "ver GOOD", USAGE, "", "unknown command 'ver'" },
	{ "help verfy", USAGE, "", "did you mean 'verify'?" },
	{ "--jsn verify GOOD", USAGE, "", "unknown option '--jsn'" },
	{ "verify --stat GOOD", USAGE, "", "did you mean '--stats'?" },
	{ "verify", USAGE, "", "no FILE" },
	{ "verify GOOD -p", USAGE, "", "option '-p' needs a value" },
	{ "--color=blue verify GOOD", USAGE, "", "'blue'" },
	{ "verify GOOD", DONE, "1 program, 1 accepted", "" },
	{ "verify GOOD -p prog", DONE, "prog", "" },
	{ "verify GOOD -p prg", FAILED, "", "did you mean 'prog'?" },
	{ "verify BAD", REJECTED, "KV020", "" },
	{ "verify /nonexistent/x.o", FAILED, "", "ENOENT (No such file or directory)" },
	{ "verify /dev/null", FAILED, "", "/dev/null" },
	{ "exec GOOD", DONE, "0", "" },
	{ "exec BAD", REJECTED, "", "KV020" },
	{ "exec ENDLESS", REJECTED, "", "KV07" },
	{ "exec ENDLESS --metered --ceiling 100", FAILED, "stopped after 100, without a", "" },
	{ "exec GOOD --metered", DONE, "prog returned 0", "" },
	{ "exec GOOD --ceiling 1", REJECTED, "", "KV072" },
	{ "exec GOOD --ceiling x", USAGE, "", "'x' is not a number of instructions" },
	{ "disasm GOOD", DONE, "r0 = 0", "" },
	{ "explain KV021", DONE, "KV021 (NULL)", "" },
	{ "explain KV999", USAGE, "", "KV999" },
	{ "list helpers", DONE, "map_lookup_elem", "" },
	{ NODEV "run GOOD", ENVIRONMENT, "", "cannot open /nonexistent: ENOENT" },
	{ NODEV "run BAD", ENVIRONMENT, "", "hint: " },
	{ NODEV "load GOOD --pin x", ENVIRONMENT, "", "cannot open /nonexistent" },
	{ NODEV "list", ENVIRONMENT, "", "cannot open /nonexistent" },
	{ NODEV "detach x", ENVIRONMENT, "", "cannot open /nonexistent" },
	{ NODEV "attach x uprobe:f", USAGE, "", "'uprobe:f' is not a hook" },
	{ NODEV "doctor", ENVIRONMENT, "module", "" },
	{ "__complete ver", DONE, "verify", "" },
	{ NODEV "__complete show x", DONE, "", "" },
};

static bool says(const char *text, const char *words)
{
	return *words ? !!strstr(text, words) : !*text;
}

TEST_F(cli, statuses_and_streams)
{
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = run(self, rows[i].line);

		EXPECT_EQ(rows[i].status, status) {
			TH_LOG("kapsel %s", rows[i].line);
		}
		EXPECT_TRUE(says(self->out, rows[i].out)) {
			TH_LOG("kapsel %s: stdout: %s", rows[i].line, self->out);
		}
		EXPECT_TRUE(says(self->err, rows[i].err)) {
			TH_LOG("kapsel %s: stderr: %s", rows[i].line, self->err);
		}
	}
}

/* With -j data is JSON, and so is what goes wrong, each on its own stream. */
TEST_F(cli, json)
{
	char line[100];
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strstr(rows[i].line, "help") || strstr(rows[i].line, "complete") ||
		    strstr(rows[i].line, "--version"))
			continue;
		snprintf(line, sizeof(line), "-j %s", rows[i].line);
		EXPECT_EQ(rows[i].status, run(self, line)) {
			TH_LOG("kapsel %s", line);
		}
		EXPECT_TRUE(!*rows[i].out == !*self->out && (!*self->out || is_json(self->out))) {
			TH_LOG("kapsel %s: stdout: %s", line, self->out);
		}
		EXPECT_TRUE(!*rows[i].err == !*self->err &&
			    (!*self->err || is_json_object(self->err))) {
			TH_LOG("kapsel %s: stderr: %s", line, self->err);
		}
	}
}

TEST_F(cli, json_members)
{
	EXPECT_EQ(REJECTED, run(self, "-j verify BAD"));
	EXPECT_NE(NULL, strstr(self->out, "\"v\":1"));
	EXPECT_NE(NULL, strstr(self->out, "\"code\":\"KV020\""));
	EXPECT_EQ(FAILED, run(self, "-j verify /nonexistent/x.o"));
	EXPECT_NE(NULL, strstr(self->err, "\"errno\":\"ENOENT\""));
	EXPECT_NE(NULL, strstr(self->err, "\"status\":1"));
	EXPECT_EQ(USAGE, run(self, "-j verfy"));
	EXPECT_NE(NULL, strstr(self->err, "\"status\":2"));
}

/* What is not a terminal gets no colours unless it asks, and no blanks at line ends. */
TEST_F(cli, colour_and_blanks)
{
	EXPECT_EQ(REJECTED, run(self, "verify BAD"));
	EXPECT_EQ(NULL, strchr(self->out, '\033'));
	EXPECT_EQ(NULL, strstr(self->out, "\40\n"));
	EXPECT_EQ(REJECTED, run(self, "--color=always verify BAD"));
	EXPECT_NE(NULL, strchr(self->out, '\033'));
	EXPECT_EQ(REJECTED, run(self, "--color=never verify BAD"));
	EXPECT_EQ(NULL, strchr(self->out, '\033'));
}

/* Options of all commands may stand before the command or behind it. */
TEST_F(cli, options_anywhere)
{
	EXPECT_EQ(DONE, run(self, "verify GOOD -j"));
	EXPECT_TRUE(is_json(self->out));
	EXPECT_EQ(DONE, run(self, "-j verify GOOD"));
	EXPECT_TRUE(is_json(self->out));
}

TEST_F(cli, every_code_is_explained)
{
	const struct kapsel_code *code;
	char line[40], name[16];
	__u32 i;

	for (i = 0; (code = kapsel_code_at(i)); i++) {
		snprintf(line, sizeof(line), "explain %s",
			 kapsel_code_name(code->code, name, sizeof(name)));
		EXPECT_EQ(DONE, run(self, line));
		EXPECT_NE(NULL, strstr(self->out, code->title));
		EXPECT_TRUE(*code->rule && strstr(self->out, code->rule));
		EXPECT_TRUE(*code->bad && strstr(self->out, code->bad));
		EXPECT_TRUE(*code->fix && strstr(self->out, code->fix));
	}
}

TEST_F(cli, every_map_flag_has_a_name)
{
	struct kapsel_map_type_doc doc;
	char line[80];
	__u32 i;

	for (i = 0; kapsel_map_type_at(i, &doc); i++) {
		snprintf(line, sizeof(line), "explain %s", doc.info.name);
		EXPECT_EQ(DONE, run(self, line));
		EXPECT_NE(NULL, strstr(self->out, doc.info.flags ? "BPF_F_" : "none"));
		EXPECT_EQ(NULL, strstr(self->out, "0x"));
	}
}

static const char command_names[][16] = {
#define COMMAND(_name, _args, _help, _options) #_name,
#include "../../tools/kapsel/commands.tbl"
#undef COMMAND
};

/* "--no-attach" as a page writes it: "\-\-no\-attach". */
static bool page_has(const char *page, const char *option)
{
	char text[80];
	size_t len = 0;

	for (; *option && *option != '=' && len < sizeof(text) - 2; option++) {
		if (*option == '-')
			text[len++] = '\\';
		text[len++] = *option;
	}
	text[len] = '\0';
	return strstr(page, text);
}

TEST_F(cli, every_option_is_in_the_manual)
{
	char *page = tree_read("tools/man/kapsel.8"), line[40], *option;
	__u32 i, count = 0;

	ASSERT_NE(NULL, page);
	for (i = 0; i < ARRAY_SIZE(command_names); i++) {
		snprintf(line, sizeof(line), "__complete %s --", command_names[i]);
		EXPECT_EQ(DONE, run(self, line));
		for (option = strtok(self->out, "\n"); option; option = strtok(NULL, "\n")) {
			count++;
			EXPECT_TRUE(page_has(page, option)) {
				TH_LOG("kapsel(8) has no %s of %s", option, command_names[i]);
			}
		}
	}
	EXPECT_LT(100, count);
	free(page);
}

TEST_HARNESS_MAIN
