// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as an object: opened and looked at from all sides, or one clear refusal */

#include <string.h>

#include <bpf/btf.h>

#include "mutate.h"
#include "parse.h"

#define SHOWN_TYPES 80
#define SHOWN_INSNS 2000

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nowhere = fopen("/dev/null", "w");
	kapsel_close(fz_seed());
	return 0;
}

static void render(const struct kapsel_prog *prog, const struct kapsel_result *res)
{
	struct kapsel_render how = { .prog = prog, .verbose = 2 };
	struct kapsel_json js = {};
	char *text = NULL;
	size_t len;

	how.out = open_memstream(&text, &len);
	kapsel_render_text(&how, res);
	fclose(how.out);
	FZ_INSIST(fz_is_plain(text, len));
	free(text);
	text = NULL;
	js.out = open_memstream(&text, &len);
	kapsel_render_json(&js, NULL, prog, res);
	fclose(js.out);
	FZ_INSIST(fz_is_json(text, len));
	free(text);
}

static void verify(const struct kapsel_prog *prog)
{
	const struct kapsel_budget budget = { .insns = 500, .bytes = 2 << 20, .ms = 2000 };
	struct kapsel_error err = {};
	struct kapsel_result res;

	fz_clear(kapsel_verify_offline(prog, &budget, &res, &err), &err);
	render(prog, &res);
	kapsel_result_free(&res);
}

static void look_at_prog(const struct kapsel_prog *prog)
{
	char text[KAPSEL_TARGET_LEN + 80];
	struct kapsel_hook again;
	struct kapsel_error err;
	__u32 i, slots;
	bool near;

	FZ_INSIST(prog->insn_cnt && prog->nr_funcs && prog->funcs[0].start == 0);
	for (i = 0; i < prog->insn_cnt && i < SHOWN_INSNS; i += slots) {
		slots = kapsel_disasm(prog, i, text, sizeof(text));
		FZ_INSIST(slots && text[0]);
		kapsel_line_of(prog, i, &near);
		kapsel_func_of(prog, i);
	}
	kapsel_hook_format(&prog->hook, text, sizeof(text));
	if (prog->hook.hook && prog->hook.target[0])
		fz_clear(kapsel_hook_parse(text, &again, &err), &err);
	verify(prog);
}

static void look_at_map(const struct kapsel_object *obj, const struct kapsel_map *map)
{
	const struct btf *btf = kapsel_btf(obj);
	struct kapsel_field fields[16];
	struct kapsel_json js = { .out = nowhere };
	char name[64];

	FZ_INSIST(map->name && strlen(map->name) < KAPSEL_NAME_LEN);
	kapsel_event_type(btf, map->name);
	if (!btf)
		return;
	kapsel_btf_name(btf, map->value_type, name, sizeof(name));
	kapsel_btf_fields(btf, map->value_type, fields, 16);
	if (map->data)
		kapsel_btf_json(&js, NULL, btf, map->value_type, map->data, map->value_size);
}

/* Shown as text, and what was shown read again: it is the same or refused. */
static void look_at_type(const struct btf *btf, __u32 id)
{
	__u8 data[96], again[96];
	struct kapsel_json js = {};
	__u32 size = kapsel_btf_size(btf, id), i;
	struct kapsel_error err = {};
	char name[40], *text = NULL;
	size_t len;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 37;
	kapsel_btf_name(btf, id, name, sizeof(name));
	js.out = open_memstream(&text, &len);
	kapsel_btf_json(&js, NULL, btf, id, data, sizeof(data));
	fclose(js.out);
	FZ_INSIST(!len || fz_is_json(text, len));
	free(text);
	FZ_INSIST(fz_is_plain(name, strlen(name)));
	if (!size || size > sizeof(data))
		return;
	text = NULL;
	js.out = open_memstream(&text, &len);
	kapsel_btf_print(js.out, btf, id, data, size);
	fclose(js.out);
	fz_clear(kapsel_btf_parse(btf, id, text, again, size, &err), &err);
	free(text);
}

static void look_at_all(struct kapsel_object *obj)
{
	const struct btf *btf = kapsel_btf(obj);
	struct kapsel_error err = {};
	__u32 i;

	FZ_INSIST(kapsel_nr_progs(obj));
	kapsel_license_is_gpl(kapsel_license(obj));
	for (i = 0; i < kapsel_nr_progs(obj); i++)
		look_at_prog(kapsel_prog_at(obj, i));
	for (i = 0; i < kapsel_nr_maps(obj); i++)
		look_at_map(obj, kapsel_map_at(obj, i));
	for (i = 0; btf && i < btf__type_cnt(btf) && i < SHOWN_TYPES; i++)
		look_at_type(btf, i);
	fz_clear(kapsel_set_global(obj, "limit", "7", &err), &err);
	fz_clear(kapsel_set_global(obj, "last", "{3,\"x\"}", &err), &err);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj = kapsel_open_mem(data, size, "fuzz.o", &err);

	if (obj)
		look_at_all(obj);
	else
		fz_clear(err.err ?: 1, &err);
	kapsel_close(obj);
	return 0;
}

size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t max, unsigned int seed)
{
	struct fz_rng r = { seed };

	if (!size || fz_chance(&r, 5))
		return LLVMFuzzerMutate(data, size, max);
	return fz_damage_elf(&r, data, size);
}
