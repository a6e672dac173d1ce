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
#include "lib/corpus.h"
#include "module/lib/km.h"

#define MAX_INSNS	65536
#define MAX_LOG		0x100000

/* Maps of the file being read: in the kernel, and what the library is told of them. */
static int fds[KT_CASE_MAPS];
static struct kps_map_facts facts[KT_CASE_MAPS];
static __u32 nr_maps;

struct answer {
	int err;
	struct kapsel_verdict verdict;
	__u32 size;
	unsigned char log[MAX_LOG];
};

static int dev;
static __u32 cases, different;

/* As in the corpus. */
static int freeze(int fd, __u32 size)
{
	unsigned char value[4096];
	__u32 key = 0;

	for (__u32 i = 0; i < size; i++)
		value[i] = kt_map_byte(i);
	return km_elem(fd, KAPSEL_MAP_UPDATE, &key, 4, value, size, 0) ?:
	       km_flags(fd, KAPSEL_MAP_FREEZE);
}

/* The map before that those in a map are to be like; 0: it holds none. */
static int example(const struct kps_inner_facts *inner)
{
	for (__u32 i = 0; inner->type && i < nr_maps; i++)
		if (facts[i].type == inner->type && facts[i].key_size == inner->key_size &&
		    facts[i].value_size == inner->value_size &&
		    facts[i].max_entries == inner->max_entries && facts[i].flags == inner->flags)
			return fds[i];
	return 0;
}

static int make_map(const struct kps_map_facts *f)
{
	struct kapsel_map_create arg = {
		.map_type = f->type, .key_size = f->key_size, .value_size = f->value_size,
		.max_entries = f->max_entries, .map_flags = f->flags,
		.inner_map_fd = example(&f->inner), .lock_size = f->lock_size,
		.lock_off = f->lock_off,
	};

	return km_ioctl(dev, KAPSEL_MAP_CREATE, &arg);
}

/* A program array has the type of what is put in, for good. */
static bool set_type(int map, __u32 type)
{
	__u32 index = 0, prog = type ? km_load(dev, type, KM_ACCEPT) : 0;
	bool done = !type || !km_elem(map, KAPSEL_MAP_UPDATE, &index, 4, &prog, 4, 0);

	if (type)
		close(prog);
	return done;
}

/* A file's maps grow in number from case to case. */
static void make_maps(const struct kt_case *c)
{
	for (; nr_maps < c->nr_maps; nr_maps++) {
		const struct kps_map_facts *f = &c->maps[nr_maps];
		int fd = make_map(f);

		if (fd < 0 || (f->frozen && freeze(fd, f->value_size)) ||
		    !set_type(fd, f->prog_type))
			ksft_exit_fail_msg("%s: map %u can't be made\n", c->name, nr_maps);
		fds[nr_maps] = fd;
		facts[nr_maps] = *f;
	}
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
	return calloc(1, size ?: 1);
}

static void host_free(void *priv, void *mem, size_t size)
{
	free(mem);
}

static const struct kps_map_facts *facts_of(int fd)
{
	for (__u32 i = 0; i < nr_maps; i++)
		if (fds[i] == fd)
			return &facts[i];
	return NULL;
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *out)
{
	const struct kps_map_facts *map = facts_of(fd);
	struct host *host = priv;
	__u32 i;

	if (!map)
		return -EBADF;
	*out = *map;
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
	const struct kps_map_facts *f = facts_of(host->used[index]);

	if (!f->frozen || f->max_entries != 1 || off + size > f->value_size)
		return -EINVAL;
	return kt_map_read(off, size, val);
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

static void ask_library(const struct kps_prog_in *in, struct answer *answer)
{
	struct host priv = { .answer = answer };
	const struct kps_host host = {
		.alloc = host_alloc, .free = host_free, .map = host_map,
		.map_read = host_map_read, .emit = host_emit, .poll = host_poll,
		.priv = &priv,
	};
	struct kps_proof proof = {};

	memset(answer, 0, sizeof(*answer));
	answer->err = kps_verify(in, &host, &answer->verdict, &proof);
	kps_proof_free(&proof, &host);
}

/* ------------------------------------------------------------------------
 * The module's side, and the comparison
 */
static void ask_module(const struct kps_prog_in *in, struct answer *answer)
{
	struct kapsel_prog_load arg = {
		.insns = km_ptr(in->insns), .insn_cnt = in->insn_cnt, .prog_type = in->prog_type,
		.budget_insns = in->budget_insns, .budget_bytes = in->budget_bytes,
		.flags = in->metered ? KAPSEL_PROG_METERED : 0,
		.ceiling = in->ceiling, .budget_ms = 600000,
		.log = { .buf = km_ptr(answer->log), .size = MAX_LOG },
	};
	int fd;

	memset(answer, 0, sizeof(*answer));
	strcpy(arg.license, in->gpl ? "GPL" : "Proprietary");
	fd = km_ioctl(dev, KAPSEL_PROG_LOAD, &arg);
	answer->err = fd < 0 ? fd : 0;
	answer->verdict = arg.log.verdict;
	answer->size = arg.log.true_size;
	if (fd >= 0)
		close(fd);
}

/* Numbers of maps in the text become their fds; what is none stays none. */
static void put_fds(struct bpf_insn *insns, __u32 cnt)
{
	for (__u32 i = 0; i < cnt; i++) {
		struct bpf_insn *insn = &insns[i];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE)
			insn->imm = (__u32)insn->imm < nr_maps ? fds[insn->imm] : -1;
		i++;
	}
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->err == b->err && a->size == b->size &&
	       !memcmp(&a->verdict, &b->verdict, sizeof(a->verdict)) &&
	       !memcmp(a->log, b->log, a->size);
}

static bool run_case(const struct kt_case *c, void *arg)
{
	static struct bpf_insn insns[MAX_INSNS];
	static struct answer ours, theirs;
	struct kps_prog_in in = c->in;

	/* The module looks at the clock, at type and size before it verifies, and at verdicts. */
	if (c->polls || in.any_return || !in.insn_cnt || !kps_prog_type_find(in.prog_type))
		return true;
	make_maps(c);
	memcpy(insns, in.insns, in.insn_cnt * sizeof(*insns));
	put_fds(insns, in.insn_cnt);
	in.insns = insns;
	ask_library(&in, &ours);
	ask_module(&in, &theirs);
	cases++;
	if (same(&ours, &theirs))
		return true;
	different++;
	ksft_print_msg("%s: library %d KV%03u @%u visited %llu bytes %llu log %u, module %d KV%03u @%u visited %llu bytes %llu log %u\n",
		       c->name, ours.err, ours.verdict.code, ours.verdict.insn,
		       ours.verdict.visited, ours.verdict.state_bytes, ours.size,
		       theirs.err, theirs.verdict.code, theirs.verdict.insn,
		       theirs.verdict.visited, theirs.verdict.state_bytes, theirs.size);
	return true;
}

static void run_file(const char *path)
{
	char why[1200], *file = strdup(path);

	cases = 0;
	different = 0;
	if (kt_corpus_read(path, run_case, NULL, why, sizeof(why)) < 0) {
		ksft_print_msg("%s: %s\n", path, why);
		different++;
	}
	while (nr_maps)
		close(fds[--nr_maps]);
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
