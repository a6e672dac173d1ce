// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - source lines with carets under the words and labels beside them */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "render.h"

#define TAB 4
#define MAX_LABELS 8
#define LABEL_LEN 320

/** struct label - something to say of a line */
struct label {
	const struct kapsel_line *line;
	bool main;		/* the problem itself */
	char text[LABEL_LEN];
};

/* Columns of a line up to byte @col (from 1), tabs widened. */
static u32 column_of(const char *text, u32 col)
{
	u32 wide = 0, i;

	for (i = 0; text[i] && i + 1 < col; i++)
		wide += text[i] == '\t' ? TAB - wide % TAB : 1;
	return wide;
}

static void put_line(FILE *out, const char *text, u32 skip)
{
	u32 wide = 0, next;

	for (; *text && *text != '\n'; text++) {
		next = wide + (*text == '\t' ? TAB - wide % TAB : 1);
		for (; wide < next; wide++)
			if (wide >= skip)
				fputc(*text == '\t' ? ' ' : *text, out);
	}
	fputc('\n', out);
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* BTF gives a point; the word that begins there is what is meant. */
static u32 token_len(const char *text, u32 col)
{
	u32 len = 0;

	if (!col || strlen(text) < col)
		return 1;
	text += col - 1;
	while (text[len] == '*' || text[len] == '&')
		len++;
	while (in_name(text[len]) || (len && text[len] == '-' && text[len + 1] == '>') ||
	       (len && text[len] == '>' && text[len - 1] == '-') ||
	       (len && text[len] == '.' && in_name(text[len + 1])))
		len++;
	return len ?: 1;
}

static u32 indentation(const char *text)
{
	u32 bytes = strspn(text, " \t");

	return column_of(text, bytes + 1);
}

static int by_line(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	if (x->line->line != y->line->line)
		return x->line->line < y->line->line ? -1 : 1;
	/* The problem's own label comes last on its line. */
	if (x->main != y->main)
		return x->main ? 1 : -1;
	return x->line->col < y->line->col ? -1 : x->line->col > y->line->col;
}

static bool said_already(const struct label *labels, u32 count, const struct label *new)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (labels[i].line->line == new->line->line &&
		    !strcmp(labels[i].text, new->text))
			return true;
	return false;
}

static u32 add_step(const struct kl_case *it, const struct kapsel_rec_step *step,
		    const char *file, struct label *labels, u32 count)
{
	struct label *label = &labels[count];
	bool near;

	label->line = kapsel_line_of(it->how->prog, step->hdr.insn, &near);
	label->main = false;
	kl_step_text(it->how->prog, step, label->text, sizeof(label->text));
	if (!label->line || near || !label->text[0] || strcmp(label->line->file, file))
		return count;
	return said_already(labels, count, label) ? count : count + 1;
}

/* The nearest steps that have a line in the problem's file. */
static u32 gather(const struct kl_case *it, const struct kapsel_line *line,
		  struct label *labels)
{
	u32 count = 1, i = it->nr_steps;

	labels[0].line = line;
	labels[0].main = true;
	kl_problem_text(it, labels[0].text, sizeof(labels[0].text));
	while (i-- && count < MAX_LABELS)
		count = add_step(it, it->steps[i], line->file, labels, count);
	qsort(labels, count, sizeof(*labels), by_line);
	return count;
}

static void put_marks(const struct kl_case *it, const struct label *label, u32 skip)
{
	const struct kapsel_line *line = label->line;
	FILE *out = it->how->out;
	u32 from = column_of(line->text, line->col), len = token_len(line->text, line->col);
	u32 i;

	fprintf(out, "%5s | ", "");
	kl_style(it->how, label->main ? KL_ERROR : KL_MARK);
	fprintf(out, "%*s", (int)(from > skip ? from - skip : 0), "");
	for (i = 0; i < len && i < 80; i++)
		fputc(label->main ? '^' : '-', out);
	if (label->text[0])
		fprintf(out, " %s", label->text);
	kl_style(it->how, KL_PLAIN);
	fputc('\n', out);
}

static u32 common_indent(const struct label *labels, u32 count)
{
	u32 least = indentation(labels[0].line->text), i;

	for (i = 1; i < count; i++)
		least = min(least, indentation(labels[i].line->text));
	return least;
}

static void put_labels(const struct kl_case *it, const struct label *labels, u32 count)
{
	FILE *out = it->how->out;
	u32 skip = common_indent(labels, count), last = 0, i;

	fprintf(out, "%5s |\n", "");
	for (i = 0; i < count; i++) {
		const struct kapsel_line *line = labels[i].line;

		if (line->line != last) {
			kl_style(it->how, KL_GUTTER);
			fprintf(out, "%5u | ", line->line);
			kl_style(it->how, KL_PLAIN);
			put_line(out, line->text, skip);
		}
		last = line->line;
		put_marks(it, &labels[i], skip);
	}
	fprintf(out, "%5s |\n", "");
}

void kl_source(const struct kl_case *it)
{
	const struct kapsel_prog *prog = it->how->prog;
	const struct kapsel_line *line;
	struct label labels[MAX_LABELS];
	bool near;

	line = prog ? kapsel_line_of(prog, it->problem->hdr.insn, &near) : NULL;
	if (line && *line->text)
		put_labels(it, labels, gather(it, line, labels));
}
