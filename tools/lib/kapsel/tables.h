/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - tables: what there is; see kapsel.h */
#ifndef KAPSEL_TABLES_H
#define KAPSEL_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kapsel.h>

/**
 * struct kapsel_code - a row of the diagnostics
 * @code: see struct kapsel_verdict
 * @name: short name
 * @title: what may go wrong
 * @rule: what the verifier asks for
 * @bad: smallest program that breaks it
 * @fix: what to do
 */
struct kapsel_code {
	__u32 code;
	const char *name;
	const char *title;
	const char *rule;
	const char *bad;
	const char *fix;
};

/** kapsel_code_at - row @i, or NULL behind the last */
const struct kapsel_code *kapsel_code_at(__u32 i);
/** kapsel_code_find - by number, or NULL */
const struct kapsel_code *kapsel_code_find(__u32 code);

/** kapsel_why - what a KAPSEL_WHY_* means, in a few words */
const char *kapsel_why(__u32 why);

/** kapsel_why_unwrapped - what a KAPSEL_UNWRAPPED_* means, in a few words */
const char *kapsel_why_unwrapped(__u32 why);

/** struct kapsel_helper_doc - a helper: its row, C prototype and one line */
struct kapsel_helper_doc {
	struct kapsel_helper_info info;
	char proto[200];
	const char *doc;
};

/** kapsel_helper_at - fill @doc with row @i; false behind the last */
bool kapsel_helper_at(__u32 i, struct kapsel_helper_doc *doc);

/** struct kapsel_map_type_doc - a map type */
struct kapsel_map_type_doc {
	struct kapsel_map_type_info info;
	const char *doc;
};

/** kapsel_map_type_at - fill @doc with row @i; false behind the last */
bool kapsel_map_type_at(__u32 i, struct kapsel_map_type_doc *doc);
/** kapsel_map_type_name - Linux's name of a map type, "type 99" if it has none */
const char *kapsel_map_type_name(__u32 type, char *buf, size_t size);

/** struct kapsel_prog_type_doc - a program type */
struct kapsel_prog_type_doc {
	__u32 type;
	const char *name;
	const char *context;
	__u32 ctx_size;
	__s64 ret_min;
	__s64 ret_max;
	__u32 bit;
	const char *doc;
};

/** kapsel_prog_type_at - fill @doc with row @i; false behind the last */
bool kapsel_prog_type_at(__u32 i, struct kapsel_prog_type_doc *doc);
/** kapsel_prog_type_name - "kprobe"; "?" if there is none */
const char *kapsel_prog_type_name(__u32 type);
/** kapsel_ctx_field_at - field @i of program type @type; false behind the last */
bool kapsel_ctx_field_at(__u32 type, __u32 i, struct kapsel_ctx_info *info);

/** kapsel_sock_field_at - field @i of sockets, @least KAPSEL_SOCK_*; false behind the last */
bool kapsel_sock_field_at(__u32 i, __u32 *least, __u32 *offset, __u32 *size, const char **name);

/** struct kapsel_hook_doc - a kind of hook */
struct kapsel_hook_doc {
	__u32 hook;
	const char *name;
	const char *form;
	const char *sections;
	__u32 prog_type;
	const char *doc;
};

/** kapsel_hook_doc_at - row @i, or NULL behind the last */
const struct kapsel_hook_doc *kapsel_hook_doc_at(__u32 i);

#endif
