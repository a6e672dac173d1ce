// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - records for programs: one JSON object a problem */

#include <string.h>

#include <linux/kernel.h>

#include "render.h"

static void put_facts(struct kapsel_json *js, const char *key,
		      const struct kapsel_prog *prog, const struct kapsel_facts *f)
{
	const char *map = kl_facts_map(prog, f);

	if (f->reg > 10)
		return;
	kapsel_json_open(js, key, '{');
	kapsel_json_u64(js, "reg", f->reg);
	kapsel_json_str(js, "kind", kl_facts_kind(f));
	kapsel_json_bool(js, "maybe_null", f->flags & KAPSEL_FACT_MAYBE_NULL);
	kapsel_json_u64(js, "object", f->object);
	if (map)
		kapsel_json_str(js, "map", map);
	kapsel_json_u64(js, "size", f->size);
	kapsel_json_s64(js, "smin", f->smin);
	kapsel_json_s64(js, "smax", f->smax);
	kapsel_json_u64(js, "umin", f->umin);
	kapsel_json_u64(js, "umax", f->umax);
	kapsel_json_s64(js, "s32_min", f->s32_min);
	kapsel_json_s64(js, "s32_max", f->s32_max);
	kapsel_json_u64(js, "u32_min", f->u32_min);
	kapsel_json_u64(js, "u32_max", f->u32_max);
	kapsel_json_u64(js, "bits_value", f->bits_value);
	kapsel_json_u64(js, "bits_mask", f->bits_mask);
	kapsel_json_close(js, '}');
}

static void put_line(struct kapsel_json *js, const struct kapsel_prog *prog, u32 insn,
		     bool with_text)
{
	const struct kapsel_line *line;
	bool near;

	line = prog ? kapsel_line_of(prog, insn, &near) : NULL;
	if (!line)
		return;
	kapsel_json_str(js, "file", line->file);
	kapsel_json_u64(js, "line", line->line);
	kapsel_json_u64(js, "col", line->col);
	kapsel_json_bool(js, "near", near);
	if (with_text)
		kapsel_json_str(js, "text", line->text + strspn(line->text, " \t"));
}

static void put_program(struct kapsel_json *js, const struct kapsel_prog *prog, u32 insn)
{
	const struct kapsel_func *func;
	char text[192];

	if (!prog)
		return;
	kapsel_json_str(js, "prog", prog->name);
	kapsel_json_str(js, "section", prog->section);
	func = kapsel_func_of(prog, insn);
	if (func)
		kapsel_json_str(js, "function", func->name);
	if (insn >= prog->insn_cnt)
		return;
	kapsel_disasm(prog, insn, text, sizeof(text));
	kapsel_json_str(js, "disasm", text);
}

static void put_needs(struct kapsel_json *js, const struct kl_case *it)
{
	static const char * const halves[] = { "none", "lower", "upper", "both" };
	static const char * const accesses[] = { "none", "read", "write", "atomic" };
	const struct kapsel_rec_problem *p = it->problem;
	char text[320], name[64];

	kl_needs_text(it, text, sizeof(text));
	kapsel_json_open(js, "needs", '{');
	kapsel_json_s64(js, "min", p->need_min);
	kapsel_json_s64(js, "max", p->need_max);
	kapsel_json_str(js, "missing", halves[p->half & 3]);
	kapsel_json_str(js, "access", accesses[p->access & 3]);
	kapsel_json_u64(js, "size", p->access_size);
	if (*text)
		kapsel_json_str(js, "text", text);
	kapsel_json_close(js, '}');
	if (p->helper)
		kapsel_json_str(js, "helper",
				kl_helper_name(p->helper, name, sizeof(name)));
	if (p->arg)
		kapsel_json_u64(js, "arg", p->arg);
	kapsel_json_u64(js, "detail", p->detail);
}

static void put_path(struct kapsel_json *js, const struct kl_case *it)
{
	u32 i;

	kapsel_json_open(js, "path", '[');
	for (i = 0; i < it->nr_steps; i++) {
		const struct kapsel_rec_step *step = it->steps[i];

		kapsel_json_open(js, NULL, '{');
		kapsel_json_u64(js, "insn", step->hdr.insn);
		kapsel_json_str(js, "event", kl_step_name(step->event));
		kapsel_json_u64(js, "outcome", step->outcome);
		put_line(js, it->how->prog, step->hdr.insn, false);
		put_facts(js, "facts", it->how->prog, &step->facts);
		kapsel_json_close(js, '}');
	}
	kapsel_json_close(js, ']');
}

static void put_case(const struct kl_case *it, void *ctx)
{
	const struct kapsel_rec_problem *p = it->problem;
	const struct kapsel_code *code = kapsel_code_find(p->code);
	struct kapsel_json *js = ctx;
	const char *missing = kl_missing_of(it);
	char name[16];

	kapsel_json_open(js, NULL, '{');
	kapsel_json_u64(js, "v", 1);
	kapsel_json_str(js, "code", kapsel_code_name(p->code, name, sizeof(name)));
	kapsel_json_str(js, "severity",
			p->hdr.kind == KAPSEL_REC_ERROR ? "error" : "warning");
	kapsel_json_str(js, "title", code ? code->title : NULL);
	kapsel_json_u64(js, "insn", p->hdr.insn);
	put_program(js, it->how->prog, p->hdr.insn);
	put_line(js, it->how->prog, p->hdr.insn, true);
	put_needs(js, it);
	put_facts(js, "has", it->how->prog, &p->has);
	put_facts(js, "other", it->how->prog, &p->other);
	put_path(js, it);
	if (missing)
		kapsel_json_str(js, "kernel", missing);
	else if (code && *code->fix)
		kapsel_json_str(js, "hint", code->fix);
	kapsel_json_close(js, '}');
}

void kapsel_render_json(struct kapsel_json *js, const char *key,
			const struct kapsel_prog *prog, const struct kapsel_result *res)
{
	struct kapsel_render how = { .out = js->out, .prog = prog };

	kapsel_json_open(js, key, '[');
	kl_each_case(&how, res, put_case, js);
	kapsel_json_close(js, ']');
}
