// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - records for people */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "render.h"

#define SHOWN_STEPS 12
#define SHOWN_HOT 5

void kl_style(const struct kapsel_render *how, enum kl_style style)
{
	static const char * const codes[] = {
		[KL_PLAIN] = "\033[0m",
		[KL_ERROR] = "\033[1;31m",
		[KL_WARNING] = "\033[1;33m",
		[KL_MARK] = "\033[36m",
		[KL_GUTTER] = "\033[2m",
	};

	if (how->colour)
		fputs(codes[style], how->out);
}

/* The record at @pos, or NULL at the end or if what is there makes no sense. */
static const struct kapsel_rec *record_at(const struct kapsel_result *res, size_t pos)
{
	size_t left = res->size - min(pos, res->size), min_size = sizeof(struct kapsel_rec);
	const struct kapsel_rec *rec;

	if (left < min_size)
		return NULL;
	rec = (const void *)((const char *)res->recs + pos);
	if (rec->kind == KAPSEL_REC_ERROR || rec->kind == KAPSEL_REC_WARNING)
		min_size = sizeof(struct kapsel_rec_problem);
	else if (rec->kind == KAPSEL_REC_STEP)
		min_size = sizeof(struct kapsel_rec_step);
	else if (rec->kind == KAPSEL_REC_HOT)
		min_size = sizeof(struct kapsel_rec_hot);
	if (rec->size < min_size || rec->size > left || rec->size % 8)
		return NULL;
	return rec;
}

static bool is_problem(const struct kapsel_rec *rec)
{
	return rec->kind == KAPSEL_REC_ERROR || rec->kind == KAPSEL_REC_WARNING;
}

/* Steps follow their problem. */
static size_t gather_steps(const struct kapsel_result *res, size_t pos, struct kl_case *it)
{
	const struct kapsel_rec *rec;

	while ((rec = record_at(res, pos)) && !is_problem(rec)) {
		const struct kapsel_rec_step **slot = NULL;

		if (rec->kind == KAPSEL_REC_STEP)
			slot = kl_grow(&it->steps, it->nr_steps, sizeof(*slot));
		if (slot) {
			*slot = (const void *)rec;
			it->nr_steps++;
		}
		pos += rec->size;
	}
	return pos;
}

void kl_each_case(const struct kapsel_render *how, const struct kapsel_result *res,
		  void (*fn)(const struct kl_case *it, void *ctx), void *ctx)
{
	const struct kapsel_rec *rec;
	size_t pos = 0;

	while ((rec = record_at(res, pos))) {
		struct kl_case it = { .how = how };

		pos += rec->size;
		if (!is_problem(rec))
			continue;
		it.problem = (const void *)rec;
		pos = gather_steps(res, pos, &it);
		fn(&it, ctx);
		free(it.steps);
	}
}

static void put_title(const struct kl_case *it)
{
	const struct kapsel_rec_problem *p = it->problem;
	const struct kapsel_code *code = kapsel_code_find(p->code);
	bool error = p->hdr.kind == KAPSEL_REC_ERROR;
	char name[16];

	kl_style(it->how, error ? KL_ERROR : KL_WARNING);
	fprintf(it->how->out, "%s[%s]", error ? "error" : "warning",
		kapsel_code_name(p->code, name, sizeof(name)));
	kl_style(it->how, KL_PLAIN);
	if (kl_missing_of(it))
		fprintf(it->how->out, ": not in the kernel's types\n");
	else
		fprintf(it->how->out, ": %s\n", code ? code->title : "unknown code");
}

static void put_place(const struct kl_case *it)
{
	const struct kapsel_prog *prog = it->how->prog;
	const struct kapsel_line *line;
	const struct kapsel_func *func;
	FILE *out = it->how->out;
	bool near;

	if (!prog)
		return;
	line = kapsel_line_of(prog, it->problem->hdr.insn, &near);
	func = kapsel_func_of(prog, it->problem->hdr.insn);
	if (line)
		fprintf(out, "  --> %s%s:%u:%u in ", near ? "near " : "", line->file,
			line->line, line->col);
	else
		fprintf(out, "  --> %s%sinstruction %u in ",
			prog->obj ? kapsel_object_name(prog->obj) : "", prog->obj ? ", " : "",
			it->problem->hdr.insn);
	fprintf(out, "%s", func ? func->name : prog->name);
	if (func && kapsel_func_is_sub(func))
		fprintf(out, ", called by %s", prog->name);
	fprintf(out, "  (SEC \"%s\")\n", prog->section);
}

static void put_tried(const struct kl_case *it)
{
	u32 insn = it->problem->hdr.insn;
	char text[192];

	if (!it->how->prog || insn >= it->how->prog->insn_cnt)
		return;
	kapsel_disasm(it->how->prog, insn, text, sizeof(text));
	if (kl_missing_of(it))
		snprintf(text, sizeof(text), "a CO-RE relocation");
	fprintf(it->how->out, "   tried  %u: %s\n", insn, text);
}

static void put_register(const struct kl_case *it, const char *word,
			 const struct kapsel_facts *facts)
{
	char text[320];

	if (facts->reg > 10)
		return;
	kl_facts_text(it->how->prog, facts, text, sizeof(text));
	fprintf(it->how->out, "   %-6s r%u  %s\n", word, facts->reg, text);
	if (it->how->verbose && facts->kind == KAPSEL_KIND_SCALAR)
		fprintf(it->how->out, "              s64 [%lld, %lld]  u64 [%llu, %llu]  s32 [%d, %d]  u32 [%u, %u]  bits %#llx, unknown %#llx\n",
			(long long)facts->smin, (long long)facts->smax,
			(unsigned long long)facts->umin, (unsigned long long)facts->umax,
			facts->s32_min, facts->s32_max, facts->u32_min, facts->u32_max,
			(unsigned long long)facts->bits_value,
			(unsigned long long)facts->bits_mask);
}

static void put_step(const struct kl_case *it, const struct kapsel_rec_step *step)
{
	FILE *out = it->how->out;
	char name[64];

	switch (step->event) {
	case KAPSEL_STEP_OMITTED:
		fprintf(out, "... %u earlier steps ...", step->outcome);
		return;
	case KAPSEL_STEP_BRANCH:
		fprintf(out, "%u (%s)", step->hdr.insn, step->outcome ? "yes" : "no");
		return;
	case KAPSEL_STEP_CALL:
		fprintf(out, "%u %s", step->hdr.insn,
			kl_helper_name(step->outcome, name, sizeof(name)));
		return;
	case KAPSEL_STEP_LEAVE:
		fprintf(out, "%u return", step->hdr.insn);
		return;
	case KAPSEL_STEP_ENTER:
		fprintf(out, "%u call", step->hdr.insn);
		return;
	default:
		fprintf(out, "%u", step->hdr.insn);
	}
}

/* One line; with more detail, one line a step with what is known there. */
static void put_path(const struct kl_case *it)
{
	u32 first = 0, i, last = it->problem->hdr.insn;
	FILE *out = it->how->out;

	if (!it->nr_steps)
		return;
	if (it->nr_steps > SHOWN_STEPS && it->how->verbose < 2)
		first = it->nr_steps - SHOWN_STEPS;
	fputs("   path   ", out);
	if (first)
		fprintf(out, "... %u earlier steps (-vv) ... -> ", first);
	for (i = first; i < it->nr_steps; i++) {
		put_step(it, it->steps[i]);
		fputs(" -> ", out);
	}
	fprintf(out, "%u\n", last);
}

static void put_steps_long(const struct kl_case *it)
{
	char text[360], insn[192];
	u32 i;

	for (i = 0; i < it->nr_steps; i++) {
		const struct kapsel_rec_step *step = it->steps[i];

		kl_step_text(it->how->prog, step, text, sizeof(text));
		insn[0] = '\0';
		if (it->how->prog && step->hdr.insn < it->how->prog->insn_cnt)
			kapsel_disasm(it->how->prog, step->hdr.insn, insn, sizeof(insn));
		fprintf(it->how->out, "          %5u %-7s %-36s %s\n", step->hdr.insn,
			kl_step_name(step->event), insn, text);
	}
}

static void put_case(const struct kl_case *it, void *ctx)
{
	const struct kapsel_code *code = kapsel_code_find(it->problem->code);
	const char *missing = kl_missing_of(it);
	FILE *out = it->how->out;
	char text[320];

	(void)ctx;
	put_title(it);
	put_place(it);
	kl_source(it);
	put_tried(it);
	kl_needs_text(it, text, sizeof(text));
	if (*text)
		fprintf(out, "   needs  %s\n", text);
	put_register(it, "has", &it->problem->has);
	put_register(it, "and", &it->problem->other);
	put_path(it);
	if (it->how->verbose >= 2)
		put_steps_long(it);
	if (missing)
		fprintf(out, "   kernel %s\n", missing);
	else if (code && *code->fix)
		fprintf(out, "   hint   %s\n", code->fix);
	fputc('\n', out);
}

static void put_hot(const struct kapsel_render *how, const struct kapsel_rec_hot *hot)
{
	const struct kapsel_line *line = NULL;
	bool near;

	if (how->prog)
		line = kapsel_line_of(how->prog, hot->hdr.insn, &near);
	fprintf(how->out, "   visited %llu times: instruction %u",
		(unsigned long long)hot->visits, hot->hdr.insn);
	if (line)
		fprintf(how->out, "  %s:%u  %s", line->file, line->line,
			line->text + strspn(line->text, " \t"));
	fputc('\n', how->out);
}

static void put_hots(const struct kapsel_render *how, const struct kapsel_result *res)
{
	const struct kapsel_rec *rec;
	u32 shown = 0;
	size_t pos;

	for (pos = 0; (rec = record_at(res, pos)); pos += rec->size)
		if (rec->kind == KAPSEL_REC_HOT && shown++ < SHOWN_HOT)
			put_hot(how, (const void *)rec);
}

void kapsel_render_text(const struct kapsel_render *how, const struct kapsel_result *res)
{
	kl_each_case(how, res, put_case, NULL);
	put_hots(how, res);
}
