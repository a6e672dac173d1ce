// SPDX-License-Identifier: GPL-2.0-only
/* What was found: a table that Markdown takes as it is, and JSON */

#include <string.h>

#include <linux/kernel.h>

#include "figures.h"

#define MAX_FIGURES 160

static struct figure figures[MAX_FIGURES];
static unsigned int count;

const struct figure *figures_at(unsigned int i)
{
	return i < count ? &figures[i] : NULL;
}

void figure_add(const char *group, const char *name, enum figure_who who, double insns)
{
	if (count < MAX_FIGURES)
		figures[count++] = (struct figure){ group, name, who, insns };
	fprintf(stderr, "# %s, %s: %.1f\n", group, name, insns);
}

void figure_missing(const char *group, const char *name, const char *why)
{
	fprintf(stderr, "# %s, %s: %s\n", group, name, why);
}

static const struct figure *kapsels(const char *group)
{
	for (unsigned int i = 0; i < count; i++)
		if (figures[i].who == FIGURE_KAPSEL && !strcmp(figures[i].group, group))
			return &figures[i];
	return NULL;
}

void figures_print(void)
{
	const char *group = "";

	printf("| %-36s | %-22s | %12s | %9s |\n", "what", "by", "instructions", "to kapsel");
	puts("|:-------------------------------------|:-----------------------|-------------:|----------:|");
	for (unsigned int i = 0; i < count; i++) {
		const struct figure *f = &figures[i], *ours = kapsels(f->group);

		printf("| %-36s | %-22s | %12.1f |", strcmp(group, f->group) ? f->group : "",
		       f->name, f->insns);
		if (ours && ours->insns > 0)
			printf(" %9.2f |\n", f->insns / ours->insns);
		else
			printf(" %9s |\n", "");
		group = f->group;
	}
}

void figures_json(FILE *to, const char *kernel)
{
	static const char *const whos[] = { "c", "kapsel", "linux" };

	fprintf(to, "{\"kernel\":\"%s\",\"unit\":\"guest instructions\",\"figures\":[", kernel);
	for (unsigned int i = 0; i < count; i++)
		fprintf(to, "%s\n{\"what\":\"%s\",\"by\":\"%s\",\"whose\":\"%s\",\"insns\":%.2f}",
			i ? "," : "", figures[i].group, figures[i].name, whos[figures[i].who],
			figures[i].insns);
	fputs("]}\n", to);
}
