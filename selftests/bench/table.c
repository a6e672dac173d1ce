// SPDX-License-Identifier: GPL-2.0-only
/* What was measured: a table that Markdown takes as it is, and JSON */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define MAX_GROUPS 8
#define MAX_OBJECTS 256

/** struct growth - the ends of a group, of what was accepted */
struct growth {
	const char *group;
	__u32 from, to;		/* sizes */
	__u64 from_ns, to_ns;
};

/** struct objects - real programs that both accept */
struct objects {
	double ratio[MAX_OBJECTS];
	unsigned int count;
	__u64 ours_ns, theirs_ns;	/* of all */
};

static struct growth ours[MAX_GROUPS], theirs[MAX_GROUPS];
static struct objects objects;
static unsigned int nr_ours, nr_theirs;
static unsigned int rows;
static FILE *json, *notes;
static char *noted;
static size_t noted_size;
static bool both;

void table_begin(FILE *to, const char *clock, bool linux_too)
{
	json = to;
	both = linux_too;
	notes = open_memstream(&noted, &noted_size);
	printf("Time: %s.\n\n", clock);
	printf("| %-26s | %9s | %10s | %6s | %8s |", "program", "visited", "us", "ns",
	       "KiB");
	printf(both ? " %9s | %10s | %6s |\n" : "\n", "by Linux", "us", "ratio");
	fputs("|:---------------------------|----------:|-----------:|-------:|---------:|",
	      stdout);
	puts(both ? "----------:|-----------:|-------:|" : "");
	if (json)
		fprintf(json, "{\"clock\":\"%s\",\"programs\":[", clock);
}

static void note_growth(struct growth *list, unsigned int *count, const struct bench_prog *p,
			const struct bench_answer *answer)
{
	struct growth *g = *count ? &list[*count - 1] : NULL;

	if (!p->size || answer->refused || !answer->ns)
		return;
	if (!g || strcmp(g->group, p->group)) {
		if (*count == MAX_GROUPS)
			return;
		g = &list[(*count)++];
		g->group = p->group;
		g->from = p->size;
		g->from_ns = answer->ns;
	}
	g->to = p->size;
	g->to_ns = answer->ns;
}

static double exponent(const struct growth *g)
{
	return log((double)g->to_ns / g->from_ns) / log((double)g->to / g->from);
}

static double ratio(const struct bench_row *row)
{
	return (double)row->ours.ns / row->theirs.ns;
}

static bool comparable(const struct bench_row *row)
{
	return both && !row->ours.refused && !row->theirs.refused && row->theirs.ns;
}

static void note_object(const struct bench_row *row)
{
	if (objects.count == MAX_OBJECTS)
		return;
	objects.ratio[objects.count++] = ratio(row);
	objects.ours_ns += row->ours.ns;
	objects.theirs_ns += row->theirs.ns;
}

static void print_ours(const struct bench_answer *a)
{
	if (a->refused)
		printf(" %9s | %10.1f | %6s | %8s |", "refused", a->ns / 1e3, "-", "-");
	else
		printf(" %9llu | %10.1f | %6.0f | %8llu |", a->visited, a->ns / 1e3,
		       (double)a->ns / (a->visited ?: 1), (a->bytes + 1023) / 1024);
}

static void print_theirs(const struct bench_row *row)
{
	const struct bench_answer *a = &row->theirs;

	if (a->refused)
		printf(" %9s |", "refused");
	else
		printf(" %9llu |", a->visited);
	printf(" %10.1f |", a->ns / 1e3);
	if (comparable(row))
		printf(" %6.4f |", ratio(row));
	else
		printf(" %6s |", "-");
}

static void put_answer(const char *name, const struct bench_answer *a)
{
	fprintf(json, ",\"%s\":{\"accepted\":%s,\"ns\":%llu,\"visited\":%llu", name,
		a->refused ? "false" : "true", a->ns, a->visited);
	if (a->bytes)
		fprintf(json, ",\"bytes\":%llu", a->bytes);
	fputc('}', json);
}

static void put_row(const struct bench_prog *p, const struct bench_row *row)
{
	fprintf(json, "%s\n{\"program\":\"%s\",\"group\":\"%s\",\"size\":%u,\"slots\":%u,\"rounds\":%u",
		rows++ ? "," : "", p->name, p->group, p->size, p->prog->insn_cnt, row->rounds);
	put_answer("kapsel", &row->ours);
	if (both)
		put_answer("linux", &row->theirs);
	if (comparable(row))
		fprintf(json, ",\"ratio\":%.4f", ratio(row));
	fputc('}', json);
	fflush(json);
}

static void note_refusal(const struct bench_prog *p, const char *who,
			 const struct bench_answer *a)
{
	if (a->refused && notes)
		fprintf(notes, "%s refuses %s: %s\n", who, p->name, a->why);
}

void table_row(const struct bench_prog *p, const struct bench_row *row)
{
	note_growth(ours, &nr_ours, p, &row->ours);
	printf("| %-26s |", p->name);
	print_ours(&row->ours);
	note_refusal(p, "kapsel", &row->ours);
	if (both) {
		note_refusal(p, "Linux", &row->theirs);
		note_growth(theirs, &nr_theirs, p, &row->theirs);
		if (!p->size && comparable(row))
			note_object(row);
		print_theirs(row);
	}
	putchar('\n');
	fflush(stdout);
	if (json)
		put_row(p, row);
}

static void print_growth(const char *who, const struct growth *list, unsigned int count)
{
	const char *sep = " ";
	unsigned int i;

	printf("%s: the time grows as size to the power of", who);
	for (i = 0; i < count; i++) {
		if (list[i].from == list[i].to)
			continue;
		printf("%s%.2f (%s, %u to %u)", sep, exponent(&list[i]), list[i].group,
		       list[i].from, list[i].to);
		sep = ", ";
	}
	puts(".");
}

static void put_growth(const char *who, const struct growth *list, unsigned int count)
{
	unsigned int i;

	fprintf(json, ",\"%s\":{", who);
	for (i = 0; i < count; i++)
		fprintf(json, "%s\"%s\":{\"from\":%u,\"to\":%u,\"exponent\":%.3f}",
			i ? "," : "", list[i].group, list[i].from, list[i].to,
			list[i].from < list[i].to ? exponent(&list[i]) : 0);
	fputc('}', json);
}

static int by_ratio(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double ratio_of_all(void)
{
	return (double)objects.ours_ns / objects.theirs_ns;
}

static void print_objects(void)
{
	const double *r = objects.ratio;
	unsigned int n = objects.count;

	qsort(objects.ratio, n, sizeof(*r), by_ratio);
	printf("%u objects' programs that both accept: kapsel takes %.4f of Linux's time for all of them, of the least %.4f, the median %.4f, the most %.4f.\n",
	       n, ratio_of_all(), r[0], r[n / 2], r[n - 1]);
}

static void put_objects(void)
{
	const double *r = objects.ratio;
	unsigned int n = objects.count;

	fprintf(json, ",\"objects\":{\"count\":%u,\"all\":%.4f,\"least\":%.4f,\"median\":%.4f,\"most\":%.4f}",
		n, ratio_of_all(), r[0], r[n / 2], r[n - 1]);
}

void table_end(void)
{
	putchar('\n');
	print_growth("kapsel", ours, nr_ours);
	if (both)
		print_growth("Linux", theirs, nr_theirs);
	if (objects.count)
		print_objects();
	if (notes && !fclose(notes))
		fputs(noted, stdout);
	free(noted);
	if (!json)
		return;
	fputs("]", json);
	put_growth("growth", ours, nr_ours);
	if (both)
		put_growth("growth_linux", theirs, nr_theirs);
	if (objects.count)
		put_objects();
	fputs("}\n", json);
}
