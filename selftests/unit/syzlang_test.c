// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptions for syzkaller say what the header says: every ioctl with its struct,
 * structs of the same size, no constant that is not there
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "kselftest_harness.h"

#define DESCRIPTIONS	"../syzkaller/kapsel.txt"
#define HEADER		"../syzkaller/kapsel.h"
#define NAME		64

/* Whatever an ioctl takes, and what is in it. */
#define STRUCT(name) { #name, sizeof(struct name) }
static const struct {
	const char *name;
	size_t size;
} structs[] = {
	STRUCT(kapsel_abi), STRUCT(kapsel_list), STRUCT(kapsel_verdict), STRUCT(kapsel_log),
	STRUCT(kapsel_prog_load), STRUCT(kapsel_map_create), STRUCT(kapsel_link_kprobe),
	STRUCT(kapsel_link_multi), STRUCT(kapsel_link_netfilter), STRUCT(kapsel_link_create),
	STRUCT(kapsel_next_id), STRUCT(kapsel_fd_by_id), STRUCT(kapsel_pin),
	STRUCT(kapsel_prog_info), STRUCT(kapsel_map_info), STRUCT(kapsel_link_info),
	STRUCT(kapsel_link_site), STRUCT(kapsel_obj_info), STRUCT(kapsel_test_run),
	STRUCT(kapsel_prog_image), STRUCT(kapsel_map_elem), STRUCT(kapsel_map_next),
	STRUCT(kapsel_map_batch), STRUCT(kapsel_flags), STRUCT(kapsel_link_update),
};

FIXTURE(syzlang) {
	char *text;
	char *header;
};

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 256 * 1024);

	if (!f || !fread(text, 1, 256 * 1024 - 1, f)) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

FIXTURE_SETUP(syzlang)
{
	self->text = read_all(DESCRIPTIONS);
	self->header = read_all(HEADER);
	ASSERT_NE(NULL, self->text);
	ASSERT_NE(NULL, self->header);
}

FIXTURE_TEARDOWN(syzlang)
{
	free(self->text);
	free(self->header);
}

/* ------------------------------------------------------------------------
 * Sizes by the descriptions
 */
struct layout {
	size_t size;
	size_t align;
};

/* An identifier at @at, cut to fit. Return: behind it. */
static const char *word(const char *at, char *name)
{
	size_t len = 0;

	while (isalnum((unsigned char)at[len]) || at[len] == '_')
		len++;
	snprintf(name, NAME, "%.*s", (int)len, at);
	return at + len;
}

/* The number that a #define of the header gives, or that stands there. */
static long value_of(const char *header, const char *name)
{
	char define[NAME + 16];
	const char *at;

	if (isdigit((unsigned char)name[0]))
		return strtol(name, NULL, 0);
	snprintf(define, sizeof(define), "#define %s\t", name);
	at = strstr(header, define);
	return at ? strtol(at + strlen(define) + strspn(at + strlen(define), "\t("), NULL, 0) : -1;
}

/* The argument of "[...]" after the last comma outside of other brackets. */
static const char *last_argument(const char *at)
{
	const char *last = at + 1;
	int depth = 0;

	for (; *at && *at != '\n'; at++) {
		depth += *at == '[';
		if (*at == ']' && !--depth)
			break;
		if (*at == ',' && depth == 1)
			last = at + 1 + strspn(at + 1, " ");
	}
	return last;
}

static struct layout layout_of_struct(FIXTURE_DATA(syzlang) * self, const char *name);

/* Descriptors and ids are resources of 32 bits. */
static struct layout layout_of_word(FIXTURE_DATA(syzlang) * self, const char *name)
{
	if (!strncmp(name, "int", 3) && isdigit((unsigned char)name[3]))
		return (struct layout){ atoi(name + 3) / 8, atoi(name + 3) / 8 };
	if (!strncmp(name, "fd", 2) || !strcmp(name, "kapsel_id"))
		return (struct layout){ 4, 4 };
	if (!strcmp(name, "ptr64"))
		return (struct layout){ 8, 8 };
	return layout_of_struct(self, name);
}

static struct layout layout_of_type(FIXTURE_DATA(syzlang) * self, const char *type)
{
	char name[NAME], arg[NAME];
	struct layout l;

	type = word(type, name);
	if (*type != '[' || !strcmp(name, "ptr64") || !strncmp(name, "int", 3) ||
	    !strncmp(name, "fd", 2))
		return layout_of_word(self, name);
	word(last_argument(type), arg);
	if (!strcmp(name, "string"))
		return (struct layout){ value_of(self->header, arg), 1 };
	if (strcmp(name, "array"))
		return layout_of_word(self, arg);	/* const, flags, len */
	l = layout_of_type(self, type + 1);
	l.size *= value_of(self->header, arg);
	return l;
}

/*
 * Of a struct in braces or a union in brackets; 0 bytes: there is none. The header
 * has no holes, so one here is a field of the wrong size.
 */
static struct layout layout_of_struct(FIXTURE_DATA(syzlang) * self, const char *name)
{
	struct layout all = { 0, 1 };
	char head[NAME + 8];
	const char *at;
	bool is_union;

	snprintf(head, sizeof(head), "\n%s {\n", name);
	at = strstr(self->text, head);
	is_union = !at;
	if (is_union) {
		snprintf(head, sizeof(head), "\n%s [\n", name);
		at = strstr(self->text, head);
	}
	if (!at)
		return (struct layout){ 0, 0 };
	for (at += strlen(head); *at == '\t'; at = strchr(at, '\n') + 1) {
		const char *type = at + 1 + strcspn(at + 1, "\t");
		struct layout l = layout_of_type(self, type + strspn(type, "\t"));

		if (l.align > all.align)
			all.align = l.align;
		if (!l.align || (!is_union && all.size % l.align))
			return (struct layout){ 0, 0 };
		if (!is_union)
			all.size += l.size;
		else if (l.size > all.size)
			all.size = l.size;
	}
	return all.size % all.align ? (struct layout){ 0, 0 } : all;
}

TEST_F(syzlang, structs_have_their_sizes)
{
	for (size_t i = 0; i < ARRAY_SIZE(structs); i++) {
		EXPECT_EQ(structs[i].size, layout_of_struct(self, structs[i].name).size) {
			TH_LOG("struct %s", structs[i].name);
		}
	}
}

/* ------------------------------------------------------------------------
 * Names
 */
static bool has_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(structs); i++)
		if (!strcmp(structs[i].name, name))
			return true;
	return false;
}

/* A "#define NAME _IOWR(KAPSEL_IOC, nr, struct TYPE)" at or behind @at, or NULL. */
static const char *next_ioctl(const char *at, char *name, char *type)
{
	const char *mark = strstr(at, "_IOWR(KAPSEL_IOC"), *line = mark;

	if (!mark)
		return NULL;
	while (line[-1] != '\n')
		line--;
	word(line + strlen("#define "), name);
	return word(strstr(mark, "struct ") + strlen("struct "), type);
}

TEST_F(syzlang, every_ioctl_is_described)
{
	char name[NAME], type[NAME], wanted[256];
	const char *at = self->header;
	int n = 0;

	while ((at = next_ioctl(at, name, type))) {
		n++;
		snprintf(wanted, sizeof(wanted), "cmd const[%s], arg ptr[inout, %s])", name, type);
		EXPECT_NE(NULL, strstr(self->text, wanted)) {
			TH_LOG("%s", wanted);
		}
		EXPECT_TRUE(has_row(type)) {
			TH_LOG("struct %s", type);
		}
	}
	EXPECT_LE(25, n);
}

TEST_F(syzlang, no_constant_is_made_up)
{
	char name[NAME], define[NAME + 16];
	const char *at = self->text;

	while ((at = strstr(at, "KAPSEL_"))) {
		at = word(at, name);
		snprintf(define, sizeof(define), "#define %s", name);
		EXPECT_NE(NULL, strstr(self->header, define)) {
			TH_LOG("%s", name);
		}
	}
}

/* The lists of values are whole: what the header counts by @prefix is in there. */
TEST_F(syzlang, lists_of_values_are_whole)
{
	static const char *const prefixes[] = {
		"KAPSEL_HOOK_", "KAPSEL_OBJ_", "KAPSEL_ENGINE_", "KAPSEL_BATCH_",
	};
	char define[NAME + 16], name[NAME];

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *at = self->header;

		snprintf(define, sizeof(define), "#define %s", prefixes[i]);
		while ((at = strstr(at, define))) {
			at = word(at + strlen("#define "), name);
			EXPECT_NE(NULL, strstr(self->text, name)) {
				TH_LOG("%s", name);
			}
		}
	}
}

TEST_HARNESS_MAIN
