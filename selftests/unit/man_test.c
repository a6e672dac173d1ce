// SPDX-License-Identifier: GPL-2.0-only
/* The manual's pages name every command, code and ioctl there is */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "tree.h"

static const char command_names[][16] = {
#define COMMAND(_name, _args, _help, _options) #_name,
#include "../../tools/kapsel/commands.tbl"
#undef COMMAND
};

/* A line in bold that has @word in it, alone. */
static bool has_bold(const char *page, const char *word)
{
	size_t len = strlen(word);
	const char *at;

	for (at = page; (at = strstr(at, word)); at += len) {
		const char *line = at;

		while (line > page && line[-1] != '\n')
			line--;
		if (!strncmp(line, ".B", 2) && strchr(" \"", at[-1]) &&
		    strchr(" \"\n", at[len]))
			return true;
	}
	return false;
}

TEST(commands)
{
	char *page = tree_read("tools/man/kapsel.8");
	__u32 i;

	ASSERT_NE(NULL, page);
	for (i = 0; i < ARRAY_SIZE(command_names); i++) {
		EXPECT_TRUE(has_bold(page, command_names[i])) {
			TH_LOG("kapsel(8) has no '%s'", command_names[i]);
		}
	}
	free(page);
}

static void skip_escapes(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '\\')
			*to++ = *text;
	*to = '\0';
}

/* ".B KV021" and below it the title, which ends in a full stop. */
static bool has_code(const char *page, const struct kapsel_code *code)
{
	char name[16], entry[200];
	const char *at;

	kapsel_code_name(code->code, name, sizeof(name));
	snprintf(entry, sizeof(entry), "\n.B %s\n", name);
	at = strstr(page, entry);
	if (!at)
		return false;
	at += strlen(entry) + 1;
	return !strncmp(at, code->title + 1, strlen(code->title) - 1) &&
	       !strncmp(at + strlen(code->title) - 1, ".\n", 2);
}

TEST(codes)
{
	char *page = tree_read("tools/man/kapsel-verify.7");
	const struct kapsel_code *code;
	__u32 i;

	ASSERT_NE(NULL, page);
	skip_escapes(page);
	for (i = 0; (code = kapsel_code_at(i)); i++) {
		EXPECT_TRUE(has_code(page, code)) {
			TH_LOG("kapsel-verify(7) lacks %u: %s", code->code, code->title);
		}
	}
	EXPECT_LT(60, i);
	free(page);
}

TEST(ioctls)
{
	char *header = tree_read("uapi/linux/kapsel.h"), *page = tree_read("tools/man/kapsel.4");
	char name[64], *line;
	__u32 count = 0;

	ASSERT_NE(NULL, header);
	ASSERT_NE(NULL, page);
	for (line = strtok(header, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, "_IOWR(KAPSEL_IOC") ||
		    sscanf(line, "#define %63[A-Z_]", name) != 1)
			continue;
		count++;
		EXPECT_TRUE(has_bold(page, name)) {
			TH_LOG("kapsel(4) has no %s", name);
		}
	}
	EXPECT_LE(24, count);
	free(header);
	free(page);
}

TEST_HARNESS_MAIN
