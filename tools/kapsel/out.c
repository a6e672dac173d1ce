// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - data on stdout: columns declared once give text and JSON */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

void out_begin(struct out_table *table, const struct out_column *columns, __u32 count)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	table->nr_columns = count;
}

static struct out_cell *next_cell(struct out_table *table)
{
	if (table->nr_cells == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		struct out_cell *cells = realloc(table->cells, room * sizeof(*cells));

		if (!cells)
			abort();
		table->cells = cells;
		table->room = room;
	}
	return memset(&table->cells[table->nr_cells++], 0, sizeof(*table->cells));
}

void out_none(struct out_table *table)
{
	next_cell(table)->kind = OUT_NONE;
}

void out_str(struct out_table *table, const char *text)
{
	struct out_cell *cell = next_cell(table);

	cell->kind = text ? OUT_TEXT : OUT_NONE;
	cell->text = text ? strdup(text) : NULL;
}

void out_fmt(struct out_table *table, const char *fmt, ...)
{
	struct out_cell *cell = next_cell(table);
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&cell->text, fmt, args) < 0)
		abort();
	va_end(args);
}

void out_labelled(struct out_table *table, __u64 number, const char *fmt, ...)
{
	struct out_cell *cell = next_cell(table);
	va_list args;

	cell->kind = OUT_U64;
	cell->number = number;
	va_start(args, fmt);
	if (vasprintf(&cell->text, fmt, args) < 0)
		abort();
	va_end(args);
}

void out_u64(struct out_table *table, __u64 number)
{
	out_labelled(table, number, "%llu", (unsigned long long)number);
}

void out_s64(struct out_table *table, __s64 number)
{
	out_labelled(table, number, "%lld", (long long)number);
	table->cells[table->nr_cells - 1].kind = OUT_S64;
}

static const char *text_of(const struct out_cell *cell)
{
	return cell->text ? cell->text : "-";
}

static size_t width_of(const struct out_table *table, __u32 column)
{
	size_t wide = strlen(table->columns[column].title), i;

	for (i = column; i < table->nr_cells; i += table->nr_columns) {
		size_t len = strlen(text_of(&table->cells[i]));

		wide = len > wide ? len : wide;
	}
	return wide;
}

static __u32 last_shown(const struct out_table *table)
{
	__u32 i, last = 0;

	for (i = 0; i < table->nr_columns; i++)
		if (table->columns[i].title)
			last = i;
	return last;
}

static void put_cell(FILE *to, const struct out_table *table, __u32 column,
		     size_t wide, const char *text)
{
	if (table->columns[column].right)
		fprintf(to, "%*s", (int)wide, text);
	else if (column == last_shown(table))
		fputs(text, to);
	else
		fprintf(to, "%-*s", (int)wide, text);
	fputs(column == last_shown(table) ? "\n" : "  ", to);
}

void out_text_table(struct out_table *table, FILE *to)
{
	size_t wide[OUT_MAX_COLUMNS], i;
	__u32 col;

	if (!table->nr_cells)
		return;
	for (col = 0; col < table->nr_columns; col++)
		wide[col] = table->columns[col].title ? width_of(table, col) : 0;
	for (col = 0; col < table->nr_columns; col++)
		if (table->columns[col].title)
			put_cell(to, table, col, wide[col], table->columns[col].title);
	for (i = 0; i < table->nr_cells; i++) {
		col = i % table->nr_columns;
		if (table->columns[col].title)
			put_cell(to, table, col, wide[col], text_of(&table->cells[i]));
	}
}

static void put_json(struct kapsel_json *js, const char *key, const struct out_cell *cell)
{
	switch (cell->kind) {
	case OUT_TEXT:
		kapsel_json_str(js, key, cell->text);
		break;
	case OUT_U64:
		kapsel_json_u64(js, key, cell->number);
		break;
	case OUT_S64:
		kapsel_json_s64(js, key, cell->number);
		break;
	case OUT_BOOL:
		kapsel_json_bool(js, key, cell->number);
		break;
	case OUT_NONE:
		kapsel_json_str(js, key, NULL);
		break;
	}
}

void out_json_members(struct kapsel_json *js, struct out_table *table)
{
	size_t first = (table->nr_cells - 1) / table->nr_columns * table->nr_columns;
	__u32 i;

	if (!table->nr_cells)
		return;
	for (i = 0; i < table->nr_columns && first + i < table->nr_cells; i++)
		put_json(js, table->columns[i].key, &table->cells[first + i]);
}

void out_json_rows(struct kapsel_json *js, const char *key, struct out_table *table)
{
	size_t i;
	__u32 col;

	kapsel_json_open(js, key, '[');
	for (i = 0; i < table->nr_cells; i += table->nr_columns) {
		kapsel_json_open(js, NULL, '{');
		for (col = 0; col < table->nr_columns && i + col < table->nr_cells; col++)
			put_json(js, table->columns[col].key, &table->cells[i + col]);
		kapsel_json_close(js, '}');
	}
	kapsel_json_close(js, ']');
}

void out_json_begin(struct kapsel_json *js, FILE *to)
{
	memset(js, 0, sizeof(*js));
	js->out = to;
	kapsel_json_open(js, NULL, '{');
	kapsel_json_u64(js, "v", 1);
}

void out_json_end(struct kapsel_json *js)
{
	kapsel_json_close(js, '}');
	fputc('\n', js->out);
	fflush(js->out);
}

void out_free(struct out_table *table)
{
	size_t i;

	for (i = 0; i < table->nr_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}

void out_end(struct out_table *table, const char *name)
{
	struct kapsel_json js;

	if (cli.json) {
		out_json_begin(&js, stdout);
		out_json_rows(&js, name, table);
		out_json_end(&js);
	} else {
		out_text_table(table, stdout);
	}
	out_free(table);
}
