// SPDX-License-Identifier: GPL-2.0-only
/* What was found: bars, in colours that light and dark pages can have behind them */

#include <string.h>

#include <linux/kernel.h>

#include "figures.h"

#define WIDTH	760
#define LEFT	240		/* of it, names */
#define ROW	17
#define HEAD	26		/* a group's title */
#define TOP	46
#define TEXT	"#808080"

static const char *const colours[] = { "#9a9a9a", "#2f81f7", "#d0762a" };
static const char *const legends[] = { "nothing, in C", "kapsel", "in-tree eBPF" };

static double greatest(unsigned int i)
{
	const struct figure *first = figures_at(i), *f;
	double most = 0;

	while ((f = figures_at(i++)) && !strcmp(f->group, first->group))
		most = f->insns > most ? f->insns : most;
	return most;
}

static unsigned int height(void)
{
	const struct figure *f, *before = NULL;
	unsigned int y = TOP;

	for (unsigned int i = 0; (f = figures_at(i)); i++) {
		if (!before || strcmp(before->group, f->group))
			y += HEAD;
		y += ROW;
		before = f;
	}
	return y + ROW;
}

static void text(FILE *to, unsigned int x, unsigned int y, const char *more, const char *words)
{
	fprintf(to, "<text x=\"%u\" y=\"%u\"%s>%s</text>\n", x, y, more, words);
}

static void bar(FILE *to, unsigned int y, const struct figure *f, double most)
{
	/* Room for the number behind the longest. */
	double length = most > 0 && f->insns > 0 ? f->insns / most * (WIDTH - LEFT - 70) : 0;
	char number[32];

	snprintf(number, sizeof(number), f->insns < 1000 ? "%.1f" : "%.0f", f->insns);
	text(to, LEFT - 8, y + 12, " text-anchor=\"end\"", f->name);
	fprintf(to, "<rect x=\"%d\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n",
		LEFT, y + 2, length, ROW - 5, colours[f->who]);
	text(to, LEFT + (unsigned int)length + 6, y + 12, "", number);
}

static void legend(FILE *to, const char *kernel)
{
	char title[128];

	snprintf(title, sizeof(title), "Guest instructions: less is better (Linux %s)", kernel);
	text(to, 8, 18, " font-weight=\"bold\"", title);
	for (unsigned int i = 0; i < ARRAY_SIZE(legends); i++) {
		fprintf(to, "<rect x=\"%u\" y=\"28\" width=\"10\" height=\"10\" fill=\"%s\"/>\n",
			8 + i * 130, colours[i]);
		text(to, 24 + i * 130, 37, "", legends[i]);
	}
}

void figures_svg(FILE *to, const char *kernel)
{
	const struct figure *f, *before = NULL;
	unsigned int y = TOP;
	double most = 0;

	fprintf(to, "<!-- %s: GPL-2.0-only -->\n", "SPDX-License-Identifier");
	fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" font-family=\"sans-serif\" font-size=\"12\" fill=\"%s\">\n",
		WIDTH, height(), TEXT);
	legend(to, kernel);
	for (unsigned int i = 0; (f = figures_at(i)); i++) {
		if (!before || strcmp(before->group, f->group)) {
			most = greatest(i);
			text(to, 8, y + 19, " font-weight=\"bold\"", f->group);
			y += HEAD;
		}
		bar(to, y, f, most);
		y += ROW;
		before = f;
	}
	fputs("</svg>\n", to);
}
