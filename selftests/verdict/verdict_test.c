// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict corpus: each case of each *.kv file is accepted or refused exactly
 * as it says. A file:
 *
 *	# comment
 *	map array 4 64 1 [rdonly|wronly]	maps of the cases that follow, map[fd:0] first;
 *	map array 4 64 1 [unfrozen|frozen]	`rdonly` is read-only to programs, and frozen
 *	-- case name of the case
 *	-- type kprobe | netfilter | NUMBER	(stays until changed)
 *	-- license GPL				(stays until changed; GPL at first)
 *	-- budget insns 1000 | budget bytes 1000 | ceiling 1000	(of this case)
 *	-- metered				(of this case: loops need no bound)
 *	-- polls 3				(out of time when asked for the third time)
 *	the program, as selftests/lib/asm.h reads it
 *	-- accept [insns N] [stack N]
 *	-- reject KV021 @7
 *	-- warn KV025 @3			(before the verdict)
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libgen.h>
#include <glob.h>

#include "kselftest.h"

#include "core/diag.h"
#include "core/verifier.h"
#include "lib/asm.h"

#define MAX_TEXT	1048576
#define MAX_INSNS	65536
#define MAX_MAPS	80

struct kv_case {
	char name[128];
	u32 line;
	u32 type;
	bool gpl;
	u64 budget;
	u64 bytes;
	u32 polls;
	u64 ceiling;
	bool metered;
	u32 warn;
	u32 warn_at;
	char *text;
};

struct kv_host {
	struct kps_map_facts maps[MAX_MAPS];
	u32 nr_maps;
	s32 fds[MAX_MAPS];
	u32 nr_used;
	u32 warned;
	u32 warned_at;
	size_t held;
	u32 polls;
};

static struct kv_host kv;
static u32 passed, failed;
static bool met[1000];		/* codes that some case was refused with */

static void *host_alloc(void *priv, size_t size)
{
	((struct kv_host *)priv)->held += size;
	return calloc(1, size);
}

static void host_free(void *priv, void *mem, size_t size)
{
	((struct kv_host *)priv)->held -= mem ? size : 0;
	free(mem);
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	struct kv_host *h = priv;
	u32 i;

	if (fd < 0 || (u32)fd >= h->nr_maps)
		return -EBADF;
	*facts = h->maps[fd];
	for (i = 0; i < h->nr_used; i++)
		if (h->fds[i] == fd)
			return i;
	h->fds[h->nr_used] = fd;
	return h->nr_used++;
}

/* Frozen maps hold 1, 2, 3, ... byte by byte. */
static int host_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	(void)priv;
	(void)map;
	*val = 0;
	while (size--)
		*val = *val << 8 | (u8)(off + size + 1);
	return 0;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	const struct kapsel_rec_problem *p = rec;
	struct kv_host *h = priv;

	(void)size;
	if (p->hdr.kind != KAPSEL_REC_WARNING || h->warned)
		return;
	h->warned = p->code;
	h->warned_at = p->hdr.insn;
}

/* A case that has polls left runs out of time with the last one. */
static int host_poll(void *priv)
{
	struct kv_host *h = priv;

	return h->polls && !--h->polls ? -ETIME : 0;
}

static int verify(const struct kv_case *c, const struct bpf_insn *insns, u32 cnt,
		  struct kapsel_verdict *v)
{
	const struct kps_host host = {
		.alloc = host_alloc, .free = host_free, .map = host_map,
		.map_read = host_map_read, .emit = host_emit, .poll = host_poll, .priv = &kv,
	};
	const struct kps_prog_in in = {
		.insns = insns, .insn_cnt = cnt, .prog_type = c->type, .gpl = c->gpl,
		.budget_insns = c->budget, .budget_bytes = c->bytes, .ceiling = c->ceiling,
		.metered = c->metered,
	};
	struct kps_proof proof;
	int err;

	kv.nr_used = 0;
	kv.warned = 0;
	kv.polls = c->polls;
	err = kps_verify(&in, &host, v, &proof);
	kps_proof_free(&proof, &host);
	if (kv.held) {
		ksft_print_msg("%zu bytes not given back\n", kv.held);
		kv.held = 0;
		return -EFAULT;
	}
	return err;
}

static bool accepted(const char *want, const struct kapsel_verdict *v, int err)
{
	unsigned long long n;

	if (err || v->code)
		return false;
	want = strstr(want, "insns ");
	return !want || (sscanf(want, "insns %llu", &n) == 1 && n == v->max_insns);
}

static bool refused(const char *want, const struct kapsel_verdict *v, int err)
{
	unsigned int code, insn;

	if (sscanf(want, "reject KV%u @%u", &code, &insn) != 2)
		return false;
	return err && v->code == code && v->insn == insn;
}

static bool as_wanted(const struct kv_case *c, const char *want,
		      const struct kapsel_verdict *v, int err)
{
	if (c->warn && (kv.warned != c->warn || kv.warned_at != c->warn_at)) {
		ksft_print_msg("warned: KV%03u @%u\n", kv.warned, kv.warned_at);
		return false;
	}
	return !strncmp(want, "accept", 6) ? accepted(want, v, err) : refused(want, v, err);
}

static void run_case(const char *file, const struct kv_case *c, const char *want)
{
	static struct bpf_insn insns[MAX_INSNS];
	struct kapsel_verdict v = { .code = 0 };
	char why[128] = "";
	int cnt = kt_asm(c->text, insns, MAX_INSNS, why, sizeof(why));
	int err = cnt < 0 ? -1 : verify(c, insns, cnt, &v);

	if (cnt >= 0 && as_wanted(c, want, &v, err)) {
		met[v.code] = true;
		passed++;
		return;
	}
	failed++;
	ksft_print_msg("%s:%u: %s: wanted %s, got KV%03u @%u, error %d, max %llu, rung %u %s\n",
		       file, c->line, c->name, want, v.code, v.insn, err,
		       (unsigned long long)v.max_insns, v.rung, why);
}

static void add_map(const char *line)
{
	static const struct { const char *name; u32 type; } types[] = {
		{ "hash", BPF_MAP_TYPE_HASH }, { "array", BPF_MAP_TYPE_ARRAY },
		{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH },
		{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY },
		{ "ringbuf", BPF_MAP_TYPE_RINGBUF },
	};
	struct kps_map_facts *m = &kv.maps[kv.nr_maps];
	char name[32], flag[32] = "";
	size_t i;

	if (kv.nr_maps == MAX_MAPS ||
	    sscanf(line, "map %31s %u %u %u %31s", name, &m->key_size, &m->value_size,
		   &m->max_entries, flag) < 4)
		ksft_exit_fail_msg("bad map line: %s\n", line);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			m->type = types[i].type;
	m->frozen = !strcmp(flag, "rdonly") || !strcmp(flag, "frozen");
	if (!strcmp(flag, "rdonly") || !strcmp(flag, "unfrozen"))
		m->flags = BPF_F_RDONLY_PROG;
	else
		m->flags = !strcmp(flag, "wronly") ? BPF_F_WRONLY_PROG : 0;
	kv.nr_maps++;
}

static u32 prog_type(const char *name)
{
	if (!strcmp(name, "kprobe"))
		return KAPSEL_PROG_KPROBE;
	return !strcmp(name, "netfilter") ? KAPSEL_PROG_NETFILTER : strtoul(name, NULL, 0);
}

static void directive(const char *file, struct kv_case *c, const char *d)
{
	if (!strncmp(d, "case ", 5)) {
		snprintf(c->name, sizeof(c->name), "%.127s", d + 5);
		c->text[0] = 0;
		c->budget = 0;
		c->bytes = 0;
		c->polls = 0;
		c->ceiling = 0;
		c->metered = false;
		c->warn = 0;
	} else if (!strncmp(d, "type ", 5)) {
		c->type = prog_type(d + 5);
	} else if (!strncmp(d, "license ", 8)) {
		c->gpl = !strcmp(d + 8, "GPL");
	} else if (!strncmp(d, "budget insns ", 13)) {
		c->budget = strtoull(d + 13, NULL, 0);
	} else if (!strncmp(d, "budget bytes ", 13)) {
		c->bytes = strtoull(d + 13, NULL, 0);
	} else if (!strcmp(d, "metered")) {
		c->metered = true;
	} else if (!strncmp(d, "polls ", 6)) {
		c->polls = strtoul(d + 6, NULL, 0);
	} else if (!strncmp(d, "ceiling ", 8)) {
		c->ceiling = strtoull(d + 8, NULL, 0);
	} else if (sscanf(d, "warn KV%u @%u", &c->warn, &c->warn_at) != 2) {
		run_case(file, c, d);
	}
}

static void run_file(const char *path)
{
	static char text[MAX_TEXT];
	struct kv_case c = { .type = KAPSEL_PROG_NETFILTER, .gpl = true, .text = text };
	const char *file = basename((char *)path);
	char line[1024];
	FILE *f = fopen(path, "r");
	u32 before = failed, ran = passed + failed;

	if (!f)
		ksft_exit_fail_msg("cannot open %s\n", path);
	kv.nr_maps = 0;
	text[0] = 0;
	for (u32 n = 1; fgets(line, sizeof(line), f); n++) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "-- case", 7))
			c.line = n;
		if (!strncmp(line, "-- ", 3))
			directive(file, &c, line + 3);
		else if (!strncmp(line, "map ", 4))
			add_map(line);
		else if (line[0] != '#' && strlen(text) + strlen(line) + 2 < MAX_TEXT)
			strcat(strcat(text, line), "\n");
	}
	fclose(f);
	ksft_test_result(failed == before && passed + failed > ran, "%s: %u cases\n", file,
			 passed + failed - ran);
}

/* A rule that no case breaks is not tested. */
static void every_code_is_met(void)
{
	static const struct { u32 code; const char *name; } rows[] = {
#define KPS_DIAG(code, name, title, rule, bad, fix) { code, #name },
#include "core/diag.tbl"
	};
	u32 missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].code > 999 || met[rows[i].code])
			continue;
		ksft_print_msg("KV%03u %s is never met\n", rows[i].code, rows[i].name);
		missing++;
	}
	ksft_test_result(!missing, "every code has a case that is refused with it\n");
}

int main(int argc, char **argv)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.kv", dirname(argv[0]));
	if (argc > 1)
		snprintf(pattern, sizeof(pattern), "%s", argv[1]);
	ksft_print_header();
	if (glob(pattern, 0, NULL, &found) || !found.gl_pathc)
		ksft_exit_fail_msg("no files %s\n", pattern);
	ksft_set_plan(found.gl_pathc + (argc < 2));
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	if (argc < 2)
		every_code_is_met();
	ksft_print_msg("%u cases passed, %u failed\n", passed, failed);
	globfree(&found);
	ksft_finished();
}
