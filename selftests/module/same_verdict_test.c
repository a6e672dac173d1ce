// SPDX-License-Identifier: GPL-2.0-only
/*
 * Equal revisions of the verifier give equal verdicts: each case of the verdict
 * corpus is verified by the module and by the library, and what they answer is
 * the same to the byte: verdict, records, size of the records.
 */

#include <glob.h>
#include <libgen.h>
#include <linux/kernel.h>

#include "core/verifier.h"
#include "kselftest.h"
#include "module/lib/km.h"

#define MAX_TEXT	0x100000
#define MAX_INSNS	65536
#define MAX_LOG		0x100000

/* A map of a file: in the kernel, and what the library is told of it. */
struct map {
	int fd;
	struct kps_map_facts facts;
};

static struct map maps[2 * KAPSEL_MAX_MAPS];
static __u32 nr_maps;

struct kv_case {
	char name[128];
	__u32 type;
	bool gpl;
	__u64 budget_insns;
	__u64 budget_bytes;
	__u64 ceiling;
	bool metered;
	bool timed;
	char text[MAX_TEXT];
};

struct answer {
	int err;
	struct kapsel_verdict verdict;
	__u32 size;
	unsigned char log[MAX_LOG];
};

static int dev;
static __u32 cases, different;

static const struct {
	const char *name;
	__u32 type;
} types[] = {
	{ "hash", BPF_MAP_TYPE_HASH }, { "array", BPF_MAP_TYPE_ARRAY },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY },
	{ "perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY },
	{ "cgroup_array", BPF_MAP_TYPE_CGROUP_ARRAY },
	{ "ringbuf", BPF_MAP_TYPE_RINGBUF },
};

/* As in the corpus: frozen maps hold 1, 2, 3, ... byte by byte. */
static int freeze(const struct map *map)
{
	unsigned char value[4096];
	__u32 key = 0, size = map->facts.value_size;

	for (__u32 i = 0; i < size; i++)
		value[i] = i + 1;
	return km_elem(map->fd, KAPSEL_MAP_UPDATE, &key, 4, value, size, 0) ?:
	       km_flags(map->fd, KAPSEL_MAP_FREEZE);
}

static void add_map(const char *line)
{
	struct map *map = &maps[nr_maps++];
	struct kps_map_facts *f = &map->facts;
	char name[32], flag[32] = "";

	if (nr_maps > ARRAY_SIZE(maps))
		ksft_exit_fail_msg("too many maps: %s\n", line);
	*f = (struct kps_map_facts){};
	if (sscanf(line, "map %31s %u %u %u %31s", name, &f->key_size, &f->value_size,
		   &f->max_entries, flag) < 4)
		ksft_exit_fail_msg("bad line: %s\n", line);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			f->type = types[i].type;
	f->frozen = !strcmp(flag, "rdonly") || !strcmp(flag, "frozen");
	if (!strcmp(flag, "rdonly") || !strcmp(flag, "unfrozen"))
		f->flags = BPF_F_RDONLY_PROG;
	else if (!strcmp(flag, "wronly"))
		f->flags = BPF_F_WRONLY_PROG;
	map->fd = km_map(dev, f->type, f->key_size, f->value_size, f->max_entries, f->flags);
	if (map->fd < 0 || (f->frozen && freeze(map)))
		ksft_exit_fail_msg("no such map: %s\n", line);
}

/* ------------------------------------------------------------------------
 * The library's side
 */
struct host {
	int used[KAPSEL_MAX_MAPS];	/* fds, by first use */
	__u32 nr_used;
	struct answer *answer;
};

static void *host_alloc(void *priv, size_t size)
{
	return malloc(size ?: 1);
}

static void host_free(void *priv, void *mem, size_t size)
{
	free(mem);
}

static const struct map *map_of(int fd)
{
	for (__u32 i = 0; i < nr_maps; i++)
		if (maps[i].fd == fd)
			return &maps[i];
	return NULL;
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	const struct map *map = map_of(fd);
	struct host *host = priv;
	__u32 i;

	if (!map)
		return -EBADF;
	*facts = map->facts;
	for (i = 0; i < host->nr_used; i++)
		if (host->used[i] == fd)
			return i;
	if (host->nr_used == KAPSEL_MAX_MAPS)
		return -E2BIG;
	host->used[host->nr_used] = fd;
	return host->nr_used++;
}

/* Same condition as the module's: what can never change again. */
static int host_map_read(void *priv, u32 index, u32 off, u32 size, u64 *val)
{
	const struct host *host = priv;
	const struct kps_map_facts *f = &map_of(host->used[index])->facts;

	if (!f->frozen || f->max_entries != 1 || off + size > f->value_size)
		return -EINVAL;
	*val = 0;
	while (size--)
		*val = *val << 8 | (u8)(off + size + 1);
	return 0;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	struct host *host = priv;

	if (host->answer->size + size <= MAX_LOG)
		memcpy(host->answer->log + host->answer->size, rec, size);
	host->answer->size += size;
}

static int host_poll(void *priv)
{
	return 0;
}

static void ask_library(const struct kv_case *c, const struct bpf_insn *insns,
			__u32 cnt, struct answer *answer)
{
	struct host priv = { .answer = answer };
	const struct kps_host host = {
		.alloc = host_alloc, .free = host_free, .map = host_map,
		.map_read = host_map_read, .emit = host_emit, .poll = host_poll,
		.priv = &priv,
	};
	const struct kps_prog_in in = {
		.insns = insns, .insn_cnt = cnt, .prog_type = c->type, .gpl = c->gpl,
		.budget_insns = c->budget_insns, .budget_bytes = c->budget_bytes,
		.ceiling = c->ceiling, .metered = c->metered,
	};
	struct kps_proof proof = {};

	memset(answer, 0, sizeof(*answer));
	answer->err = kps_verify(&in, &host, &answer->verdict, &proof);
	kps_proof_free(&proof, &host);
}

/* ------------------------------------------------------------------------
 * The module's side, and the comparison
 */
static void ask_module(const struct kv_case *c, const struct bpf_insn *insns,
		       __u32 cnt, struct answer *answer)
{
	struct kapsel_prog_load arg = {
		.insns = km_ptr(insns), .insn_cnt = cnt, .prog_type = c->type,
		.budget_insns = c->budget_insns, .budget_bytes = c->budget_bytes,
		.flags = c->metered ? KAPSEL_PROG_METERED : 0,
		.ceiling = c->ceiling, .budget_ms = 600000,
		.log = { .buf = km_ptr(answer->log), .size = MAX_LOG },
	};
	int fd;

	memset(answer, 0, sizeof(*answer));
	strcpy(arg.license, c->gpl ? "GPL" : "Proprietary");
	fd = km_ioctl(dev, KAPSEL_PROG_LOAD, &arg);
	answer->err = fd < 0 ? fd : 0;
	answer->verdict = arg.log.verdict;
	answer->size = arg.log.true_size;
	if (fd >= 0)
		close(fd);
}

/* Numbers of maps in the text become their fds; what is none stays none. */
static void put_fds(struct bpf_insn *insns, int cnt)
{
	for (int i = 0; i < cnt; i++) {
		struct bpf_insn *insn = &insns[i];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE)
			insn->imm = (__u32)insn->imm < nr_maps ? maps[insn->imm].fd : -1;
		i++;
	}
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->err == b->err && a->size == b->size &&
	       !memcmp(&a->verdict, &b->verdict, sizeof(a->verdict)) &&
	       !memcmp(a->log, b->log, a->size);
}

static void run_case(const struct kv_case *c)
{
	static struct bpf_insn insns[MAX_INSNS];
	static struct answer ours, theirs;
	char why[128];
	int cnt = kt_asm(c->text, insns, MAX_INSNS, why, sizeof(why));

	/* The module looks at the clock, and at type and size before it verifies. */
	if (c->timed || cnt <= 0 || !kps_prog_type_find(c->type))
		return;
	put_fds(insns, cnt);
	ask_library(c, insns, cnt, &ours);
	ask_module(c, insns, cnt, &theirs);
	cases++;
	if (same(&ours, &theirs))
		return;
	different++;
	ksft_print_msg("%s: library %d KV%03u @%u visited %llu bytes %llu log %u, module %d KV%03u @%u visited %llu bytes %llu log %u\n",
		       c->name, ours.err, ours.verdict.code, ours.verdict.insn,
		       ours.verdict.visited, ours.verdict.state_bytes, ours.size,
		       theirs.err, theirs.verdict.code, theirs.verdict.insn,
		       theirs.verdict.visited, theirs.verdict.state_bytes, theirs.size);
}

static __u32 type_of(const char *name)
{
	return !strcmp(name, "kprobe") ? KAPSEL_PROG_KPROBE :
	       !strcmp(name, "netfilter") ? KAPSEL_PROG_NETFILTER : strtoul(name, NULL, 0);
}

/* See ../verdict/verdict_test.c for what there is. */
static void directive(struct kv_case *c, const char *d)
{
	if (!strncmp(d, "case ", 5)) {
		snprintf(c->name, sizeof(c->name), "%.127s", d + 5);
		c->text[0] = 0;
		c->budget_insns = 0;
		c->budget_bytes = 0;
		c->ceiling = 0;
		c->metered = false;
		c->timed = false;
	} else if (!strncmp(d, "type ", 5)) {
		c->type = type_of(d + 5);
	} else if (!strncmp(d, "license ", 8)) {
		c->gpl = !strcmp(d + 8, "GPL");
	} else if (!strncmp(d, "budget insns ", 13)) {
		c->budget_insns = strtoull(d + 13, NULL, 0);
	} else if (!strncmp(d, "budget bytes ", 13)) {
		c->budget_bytes = strtoull(d + 13, NULL, 0);
	} else if (!strcmp(d, "metered")) {
		c->metered = true;
	} else if (!strncmp(d, "ceiling ", 8)) {
		c->ceiling = strtoull(d + 8, NULL, 0);
	} else if (!strncmp(d, "polls ", 6)) {
		c->timed = true;
	} else if (!strncmp(d, "accept", 6) || !strncmp(d, "reject", 6)) {
		run_case(c);
	}
}

static void run_file(const char *path)
{
	static struct kv_case c;
	char line[1024], *file = strdup(path);
	FILE *f = fopen(path, "r");

	if (!f)
		ksft_exit_fail_msg("cannot open %s\n", path);
	c = (struct kv_case){ .type = KAPSEL_PROG_NETFILTER, .gpl = true };
	cases = 0;
	different = 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "-- ", 3))
			directive(&c, line + 3);
		else if (!strncmp(line, "map ", 4))
			add_map(line);
		else if (line[0] != '#' && strlen(c.text) + strlen(line) + 2 < MAX_TEXT)
			strcat(strcat(c.text, line), "\n");
	}
	fclose(f);
	while (nr_maps)
		close(maps[--nr_maps].fd);
	ksft_test_result(cases && !different, "%s: %u cases\n", basename(file), cases);
	free(file);
}

int main(int argc, char **argv)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.kv", dirname(argv[0]));
	ksft_print_header();
	dev = km_open();
	if (dev < 0)
		ksft_exit_fail_msg("%s: %d\n", KAPSEL_DEVICE, dev);
	if (glob(pattern, 0, NULL, &found) || !found.gl_pathc)
		ksft_exit_fail_msg("no files %s\n", pattern);
	ksft_set_plan(found.gl_pathc);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	globfree(&found);
	ksft_finished();
}
