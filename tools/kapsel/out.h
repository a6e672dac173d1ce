/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - data on stdout: columns declared once give text and JSON */
#ifndef OUT_H
#define OUT_H

#include "cli.h"

#define OUT_MAX_COLUMNS 16

/** struct out_column - a column of a list */
struct out_column {
	const char *key;	/* in JSON */
	const char *title;	/* in text; NULL: in JSON only */
	bool right;		/* numbers */
};

/**
 * struct out_cell - a value in a row
 * @text: as people read it, owned
 * @kind: how JSON writes it
 * @number: if it is one
 */
struct out_cell {
	char *text;
	enum { OUT_TEXT, OUT_U64, OUT_S64, OUT_NONE, OUT_BOOL } kind;
	__s64 number;
};

/**
 * struct out_table - a list being written: rows are gathered, then printed
 * @columns: of it
 * @nr_columns: how many
 * @cells: row by row
 * @nr_cells: how many
 */
struct out_table {
	const struct out_column *columns;
	__u32 nr_columns;
	struct out_cell *cells;
	size_t nr_cells;
	size_t room;
};

/** out_begin - an empty list */
void out_begin(struct out_table *table, const struct out_column *columns, __u32 count);

/** out_str - the next cell; NULL: there is no value */
void out_str(struct out_table *table, const char *text);
/** out_fmt - the next cell, formatted */
__printf(2, 3)
void out_fmt(struct out_table *table, const char *fmt, ...);
/** out_u64 - the next cell */
void out_u64(struct out_table *table, __u64 number);
/** out_s64 - the next cell */
void out_s64(struct out_table *table, __s64 number);
/** out_none - the next cell has no value */
void out_none(struct out_table *table);
/** out_labelled - a number for programs, words for people */
__printf(3, 4)
void out_labelled(struct out_table *table, __u64 number, const char *fmt, ...);

/** out_text_table - print it for people */
void out_text_table(struct out_table *table, FILE *to);

/** out_json_rows - its rows as an array of objects */
void out_json_rows(struct kapsel_json *js, const char *key, struct out_table *table);

/** out_json_members - the last row's cells as members of the open object */
void out_json_members(struct kapsel_json *js, struct out_table *table);

/** out_end - print the list as -j wants it, a document {"v":1,"NAME":[...]}; release it */
void out_end(struct out_table *table, const char *name);

/** out_free - release it unprinted */
void out_free(struct out_table *table);

/** out_json_begin - a document on stdout with "v":1 open in it */
void out_json_begin(struct kapsel_json *js, FILE *to);

/** out_json_end - close the document */
void out_json_end(struct kapsel_json *js);

#endif
