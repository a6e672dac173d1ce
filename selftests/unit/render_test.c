// SPDX-License-Identifier: GPL-2.0-only
/* Records rendered: with lines and without, damaged ones too; the tables' texts */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "kapsel.h"
#include "kselftest_harness.h"

struct log {
	struct kapsel_rec_problem problem;
	struct kapsel_rec_step step;
};

FIXTURE(render)
{
	struct log log;
	struct kapsel_result res;
	char *text;
	size_t size;
};

FIXTURE_SETUP(render)
{
	struct kapsel_rec_problem *p = &self->log.problem;

	memset(self, 0, sizeof(*self));
	p->hdr = (struct kapsel_rec){ KAPSEL_REC_ERROR, sizeof(*p), 3 };
	p->code = KPS_D_LOWER;
	p->access = KAPSEL_ACCESS_READ;
	p->access_size = 1;
	p->half = KAPSEL_HALF_LOWER;
	p->need_max = 63;
	p->has = (struct kapsel_facts){
		.kind = KAPSEL_KIND_MAP_VALUE, .reg = 2, .size = 64, .smin = -5, .smax = 63,
		.umax = U64_MAX, .s32_min = -5, .s32_max = 63, .u32_max = U32_MAX,
	};
	p->other.reg = KAPSEL_NO_REG;
	self->log.step.hdr = (struct kapsel_rec){ KAPSEL_REC_STEP, sizeof(self->log.step), 1 };
	self->log.step.event = KAPSEL_STEP_BRANCH;
	self->log.step.facts.reg = KAPSEL_NO_REG;
	self->res.recs = &self->log;
	self->res.size = sizeof(self->log);
}

FIXTURE_TEARDOWN(render)
{
	free(self->text);
}

static void render(struct _test_data_render *self, int verbose)
{
	struct kapsel_render how = { .verbose = verbose };

	free(self->text);
	how.out = open_memstream(&self->text, &self->size);
	kapsel_render_text(&how, &self->res);
	fclose(how.out);
}

#define EXPECT_SAYS(word) EXPECT_NE(NULL, strstr(self->text, word)) {		\
	TH_LOG("says: %s", self->text);						\
}

TEST_F(render, without_a_program)
{
	render(self, 0);
	EXPECT_SAYS("error[KV034]");
	EXPECT_SAYS("0 <= offset of r2 <= 63");
	EXPECT_SAYS("64 bytes");
	EXPECT_SAYS("1 (no) -> 3");
}

TEST_F(render, verbose)
{
	render(self, 2);
	EXPECT_SAYS("error[KV034]");
}

TEST_F(render, numbers)
{
	struct kapsel_facts *f = &self->log.problem.has;

	f->kind = KAPSEL_KIND_SCALAR;
	f->smin = S64_MIN;
	f->smax = S64_MAX;
	f->s32_min = S32_MIN;
	f->s32_max = S32_MAX;
	render(self, 0);
	EXPECT_SAYS("any value");
	f->smin = 7;
	f->smax = 7;
	render(self, 0);
	EXPECT_SAYS("always 7");
}

/* What is wrong with a tail call or a format is in no register. */
TEST_F(render, where_no_register_is_to_blame)
{
	static const struct { __u32 code; __u64 detail; const char *says; } cases[] = {
		{ 105, 0, "needs  the call in the main function" },
		{ 106, 5, "needs  each record submitted or discarded before" },
		{ 107, KAPSEL_PROG_NETFILTER, "this one is for netfilter" },
		{ 107, 77, "this one is for another" },
		{ 116, 12, "at byte 12 of the format" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		self->log.problem.code = cases[i].code;
		self->log.problem.detail = cases[i].detail;
		self->log.problem.half = KAPSEL_HALF_NONE;
		self->log.problem.need_min = 0;
		self->log.problem.need_max = 0;
		render(self, 0);
		EXPECT_SAYS(cases[i].says);
	}
}

TEST_F(render, nothing)
{
	self->res.recs = NULL;
	self->res.size = 0;
	render(self, 2);
	EXPECT_STREQ("", self->text);
}

/* The kernel gives back neither an object nor lines, but names of maps. */
TEST_F(render, fetched_program)
{
	struct bpf_insn insns[4] = { { .code = BPF_JMP | BPF_EXIT } };
	char names[][KAPSEL_NAME_LEN] = { "counts" };
	const struct kapsel_prog prog = {
		.name = "fetched", .section = "kprobe", .insns = insns, .insn_cnt = 4,
		.map_names = names, .nr_maps = 1, .fd = -1,
	};
	struct kapsel_render how = { .prog = &prog };

	how.out = open_memstream(&self->text, &self->size);
	kapsel_render_text(&how, &self->res);
	fclose(how.out);
	EXPECT_SAYS("--> instruction 3 in fetched");
	EXPECT_SAYS("value of map \"counts\"");
}

/* What a kernel could never send must not hurt the reader either. */
TEST_F(render, damaged_records)
{
	unsigned char *bytes = (unsigned char *)&self->log;
	size_t i;

	for (i = 0; i < sizeof(self->log); i++) {
		bytes[i] ^= 0xff;
		render(self, 2);
		bytes[i] ^= 0xff;
		self->res.size = i;
		render(self, 2);
		self->res.size = sizeof(self->log);
	}
}

TEST_F(render, json)
{
	struct kapsel_json js = {};

	js.out = open_memstream(&self->text, &self->size);
	kapsel_render_json(&js, NULL, NULL, &self->res);
	fclose(js.out);
	EXPECT_EQ('[', self->text[0]);
	EXPECT_SAYS("\"v\":1,\"code\":\"KV034\",\"severity\":\"error\"");
	EXPECT_SAYS("\"missing\":\"lower\"");
	EXPECT_SAYS("\"event\":\"branch\"");
}

TEST(codes_are_explained)
{
	const struct kapsel_code *code;
	u32 i, j;

	for (i = 0; (code = kapsel_code_at(i)); i++) {
		EXPECT_NE('\0', code->title[0]);
		EXPECT_NE('\0', code->rule[0]);
		EXPECT_NE('\0', code->bad[0]);
		for (j = 0; j < i; j++)
			EXPECT_NE(code->code, kapsel_code_at(j)->code);
	}
}

TEST(json_strings)
{
	struct kapsel_json js = {};
	char *text = NULL;
	size_t size;

	js.out = open_memstream(&text, &size);
	kapsel_json_open(&js, NULL, '{');
	kapsel_json_str(&js, "a", "q\"\\\n\x01\xc3\xa4\xff");
	kapsel_json_str(&js, "b", NULL);
	kapsel_json_open(&js, "c", '[');
	kapsel_json_s64(&js, NULL, -1);
	kapsel_json_bool(&js, NULL, true);
	kapsel_json_close(&js, ']');
	kapsel_json_close(&js, '}');
	fclose(js.out);
	EXPECT_STREQ("{\"a\":\"q\\\"\\\\\\n\\u0001\xc3\xa4\\u00ff\",\"b\":null,\"c\":[-1,true]}",
		     text);
	free(text);
}

TEST_HARNESS_MAIN
