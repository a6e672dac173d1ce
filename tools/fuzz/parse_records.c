// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a verdict's records: shown as text and as JSON that is JSON */

#include <string.h>

#include <linux/kernel.h>

#include "mutate.h"
#include "parse.h"

static struct kapsel_object *obj;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	obj = fz_seed();
	return 0;
}

/* With source lines; without a program; with one that the kernel gave back. */
static const struct kapsel_prog *pick(__u8 which, struct kapsel_prog *fetched)
{
	static char names[][KAPSEL_NAME_LEN] = { "one", "two" };
	const struct kapsel_prog *prog = kapsel_prog_at(obj, which % kapsel_nr_progs(obj));

	if (which & 0x80)
		return NULL;
	if (!(which & 0x40))
		return prog;
	*fetched = (struct kapsel_prog){
		.name = "fetched", .section = "", .hook = prog->hook, .insns = prog->insns,
		.insn_cnt = prog->insn_cnt, .funcs = prog->funcs, .nr_funcs = prog->nr_funcs,
		.map_names = names, .nr_maps = ARRAY_SIZE(names), .fd = -1,
	};
	return fetched;
}

static void as_text(const struct kapsel_prog *prog, const struct kapsel_result *res, int verbose)
{
	struct kapsel_render how = {
		.prog = prog, .verbose = verbose, .colour = verbose == 1,
	};
	char *text = NULL;
	size_t len;

	how.out = open_memstream(&text, &len);
	kapsel_render_text(&how, res);
	fclose(how.out);
	FZ_INSIST(how.colour || fz_is_plain(text, len));
	free(text);
}

static void as_json(const struct kapsel_prog *prog, const struct kapsel_result *res)
{
	struct kapsel_json js = {};
	char *text = NULL;
	size_t len;

	js.out = open_memstream(&text, &len);
	kapsel_render_json(&js, NULL, prog, res);
	fclose(js.out);
	FZ_INSIST(fz_is_json(text, len));
	free(text);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct kapsel_result res = { .err = -13 };
	struct kapsel_prog fetched;
	const struct kapsel_prog *prog;

	if (!size)
		return -1;
	prog = pick(data[0], &fetched);
	res.size = size - 1;
	res.recs = malloc(res.size);
	if (!res.recs)
		return -1;
	memcpy(res.recs, data + 1, res.size);
	as_text(prog, &res, data[0] / 4 % 3);
	as_json(prog, &res);
	kapsel_result_free(&res);
	return 0;
}

static const __u16 sizes[] = {
	[KAPSEL_REC_ERROR] = sizeof(struct kapsel_rec_problem),
	[KAPSEL_REC_WARNING] = sizeof(struct kapsel_rec_problem),
	[KAPSEL_REC_STEP] = sizeof(struct kapsel_rec_step),
	[KAPSEL_REC_HOT] = sizeof(struct kapsel_rec_hot),
};

static void sow_facts(struct fz_rng *r, struct kapsel_facts *f)
{
	f->kind = fz_below(r, 12);
	f->flags = fz_below(r, 2);
	f->reg = fz_below(r, 12);
	f->object = fz_below(r, 4);
	f->size = fz_below(r, 100);
	f->smin = fz_in(r, -100, 100);
	f->smax = f->smin + fz_below(r, 3);
	f->umax = f->umin + fz_below(r, 3);
}

/* One record more, of numbers as the verifier's may be. */
static size_t sow(struct fz_rng *r, __u8 *data, size_t size, size_t max)
{
	struct kapsel_rec_problem rec = {
		.hdr = { .kind = 1 + fz_below(r, 4), .insn = fz_below(r, 60) },
	};
	struct kapsel_rec_step *step = (void *)&rec;

	rec.hdr.size = sizes[rec.hdr.kind];
	if (rec.hdr.kind == KAPSEL_REC_STEP) {
		step->event = fz_below(r, 10);
		step->outcome = fz_below(r, 3);
		sow_facts(r, &step->facts);
	} else {
		rec.code = fz_chance(r, 90) ? fz_below(r, 110) : 1000 + fz_below(r, 30);
		rec.access = fz_below(r, 4);
		rec.half = fz_below(r, 4);
		rec.arg = fz_below(r, 7);
		rec.helper = fz_below(r, 200);
		rec.need_max = fz_in(r, -1, 64);
		sow_facts(r, &rec.has);
		sow_facts(r, &rec.other);
	}
	if (!size) {
		data[0] = fz_rand(r);
		size = 1;
	}
	if (rec.hdr.size > max - size)
		return size;
	memcpy(data + size, &rec, rec.hdr.size);
	return size + rec.hdr.size;
}

size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t max, unsigned int seed)
{
	struct fz_rng r = { seed };

	if (size < 2 || fz_chance(&r, 30))
		return sow(&r, data, size, max);
	if (fz_chance(&r, 10))
		return LLVMFuzzerMutate(data, size, max);
	if (fz_chance(&r, 10))
		data[0] = fz_rand(&r);
	fz_damage_words(&r, data + 1, size - 1);
	return size;
}
