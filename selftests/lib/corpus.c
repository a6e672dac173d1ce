// SPDX-License-Identifier: GPL-2.0-only
/* The verdict corpus: programs, and what is to be said of them */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/kapsel.h>

#include "lib/asm.h"
#include "lib/corpus.h"

#define MAX_TEXT	0x100000
#define MAX_INSNS	65536

/**
 * struct reader - a file being read
 * @c: the case so far
 * @text: its program
 * @insns: the same, assembled
 * @cases: handed out
 */
struct reader {
	struct kt_case c;
	char text[MAX_TEXT];
	size_t len;
	struct bpf_insn insns[MAX_INSNS];
	int cases;
	kt_case_fn fn;
	void *arg;
	char *err;
	size_t errlen;
};

static u32 map_type(const char *name)
{
	static const struct { const char *name; u32 type; } types[] = {
		{ "hash", BPF_MAP_TYPE_HASH }, { "array", BPF_MAP_TYPE_ARRAY },
		{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH },
		{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY },
		{ "perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY },
		{ "cgroup_array", BPF_MAP_TYPE_CGROUP_ARRAY },
		{ "cgroup_storage", BPF_MAP_TYPE_CGROUP_STORAGE },
		{ "percpu_cgroup_storage", BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE },
		{ "prog_array", BPF_MAP_TYPE_PROG_ARRAY },
		{ "array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS },
		{ "hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS },
		{ "stack_trace", BPF_MAP_TYPE_STACK_TRACE },
		{ "lru_hash", BPF_MAP_TYPE_LRU_HASH },
		{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH },
		{ "lpm_trie", BPF_MAP_TYPE_LPM_TRIE },
		{ "queue", BPF_MAP_TYPE_QUEUE }, { "stack", BPF_MAP_TYPE_STACK },
		{ "bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER },
		{ "ringbuf", BPF_MAP_TYPE_RINGBUF },
		{ "user_ringbuf", BPF_MAP_TYPE_USER_RINGBUF },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return types[i].type;
	return BPF_MAP_TYPE_UNSPEC;
}

static u32 prog_type(const char *name)
{
	if (!strcmp(name, "kprobe"))
		return KAPSEL_PROG_KPROBE;
	return !strcmp(name, "netfilter") ? KAPSEL_PROG_NETFILTER : strtoul(name, NULL, 0);
}

static struct kps_inner_facts like(const struct kps_map_facts *map)
{
	return (struct kps_inner_facts){
		.type = map->type, .key_size = map->key_size, .value_size = map->value_size,
		.max_entries = map->max_entries, .flags = map->flags,
	};
}

static bool add_map(struct kt_case *c, const char *line)
{
	struct kps_map_facts *m = &c->maps[c->nr_maps];
	char name[32], flag[32] = "";

	if (c->nr_maps == KT_CASE_MAPS ||
	    sscanf(line, "map %31s %u %u %u %31s", name, &m->key_size, &m->value_size,
		   &m->max_entries, flag) < 4)
		return false;
	m->type = map_type(name);
	if (!strncmp(flag, "of=", 3))
		m->prog_type = prog_type(flag + 3);
	if (!strncmp(flag, "in=", 3))
		m->inner = like(&c->maps[strtoul(flag + 3, NULL, 0) % KT_CASE_MAPS]);
	if (sscanf(flag, "lock=%u", &m->lock_off) == 1)
		m->lock_size = sizeof(struct bpf_spin_lock);
	m->frozen = !strcmp(flag, "rdonly") || !strcmp(flag, "frozen");
	if (!strcmp(flag, "rdonly") || !strcmp(flag, "unfrozen"))
		m->flags = BPF_F_RDONLY_PROG;
	else
		m->flags = !strcmp(flag, "wronly") ? BPF_F_WRONLY_PROG : 0;
	/* Of which no other is made. */
	if (m->type == BPF_MAP_TYPE_LPM_TRIE)
		m->flags |= BPF_F_NO_PREALLOC;
	c->nr_maps++;
	return m->type != BPF_MAP_TYPE_UNSPEC;
}

/* What a case says stays its own, but type, license and maps. */
static void begin_case(struct reader *r, const char *name)
{
	struct kt_case *c = &r->c;

	c->in = (struct kps_prog_in){
		.insns = r->insns, .prog_type = c->in.prog_type, .gpl = c->in.gpl,
	};
	snprintf(c->name, sizeof(c->name), "%.127s", name);
	c->polls = 0;
	c->warn = 0;
	c->warn_at = 0;
	r->len = 0;
	r->text[0] = 0;
}

static bool end_case(struct reader *r, const char *want, bool *go_on)
{
	char why[128];
	int cnt = kt_asm(r->text, r->insns, MAX_INSNS, why, sizeof(why));

	if (cnt < 0) {
		snprintf(r->err, r->errlen, "%s: %s", r->c.name, why);
		return false;
	}
	r->c.in.insn_cnt = cnt;
	r->c.want = want;
	r->cases++;
	*go_on = r->fn(&r->c, r->arg);
	return true;
}

static bool directive(struct reader *r, const char *d, bool *go_on)
{
	struct kt_case *c = &r->c;

	if (!strncmp(d, "case ", 5))
		begin_case(r, d + 5);
	else if (!strncmp(d, "type ", 5))
		c->in.prog_type = prog_type(d + 5);
	else if (!strncmp(d, "license ", 8))
		c->in.gpl = !strcmp(d + 8, "GPL");
	else if (!strncmp(d, "budget insns ", 13))
		c->in.budget_insns = strtoull(d + 13, NULL, 0);
	else if (!strncmp(d, "budget bytes ", 13))
		c->in.budget_bytes = strtoull(d + 13, NULL, 0);
	else if (!strncmp(d, "ceiling ", 8))
		c->in.ceiling = strtoull(d + 8, NULL, 0);
	else if (!strcmp(d, "metered"))
		c->in.metered = true;
	else if (!strcmp(d, "any return"))
		c->in.any_return = true;
	else if (!strncmp(d, "polls ", 6))
		c->polls = strtoul(d + 6, NULL, 0);
	else if (!strncmp(d, "accept", 6) || !strncmp(d, "reject ", 7))
		return end_case(r, d, go_on);
	else
		return sscanf(d, "warn KV%u @%u", &c->warn, &c->warn_at) == 2;
	return true;
}

static bool add_text(struct reader *r, const char *line)
{
	size_t len = strlen(line);

	if (r->len + len + 2 > sizeof(r->text))
		return false;
	r->len += sprintf(r->text + r->len, "%s\n", line);
	return true;
}

static bool read_line(struct reader *r, const char *line, u32 n, bool *go_on)
{
	if (!strncmp(line, "-- case ", 8))
		r->c.line = n;
	if (!strncmp(line, "-- ", 3))
		return directive(r, line + 3, go_on);
	if (!strncmp(line, "map ", 4))
		return add_map(&r->c, line);
	return line[0] == '#' || add_text(r, line);
}

static int read_lines(struct reader *r, FILE *f)
{
	bool go_on = true;
	char line[1024];
	u32 n;

	for (n = 1; go_on && fgets(line, sizeof(line), f); n++) {
		line[strcspn(line, "\n")] = 0;
		snprintf(r->err, r->errlen, "line %u: %s", n, line);
		if (!read_line(r, line, n, &go_on))
			return -1;
	}
	return r->cases;
}

int kt_corpus_read(const char *path, kt_case_fn fn, void *arg, char *err, size_t errlen)
{
	struct reader *r;
	int cases = -1;
	FILE *f;

	snprintf(err, errlen, "cannot be read");
	f = fopen(path, "r");
	if (!f)
		return -1;
	r = calloc(1, sizeof(*r));
	if (r) {
		r->c.in = (struct kps_prog_in){ .prog_type = KAPSEL_PROG_NETFILTER, .gpl = true };
		r->fn = fn;
		r->arg = arg;
		r->err = err;
		r->errlen = errlen;
		cases = read_lines(r, f);
	}
	free(r);
	fclose(f);
	return cases;
}

int kt_map(struct kt_maps *maps, s32 fd, struct kps_map_facts *facts)
{
	u32 i;

	if (fd < 0 || (u32)fd >= maps->c->nr_maps)
		return -EBADF;
	*facts = maps->c->maps[fd];
	for (i = 0; i < maps->nr_used; i++)
		if (maps->fds[i] == fd)
			return i;
	maps->fds[maps->nr_used] = fd;
	return maps->nr_used++;
}

u8 kt_map_byte(u32 off)
{
	/* Each at a multiple of 16 from 256 on. */
	static const char texts[][16] = {
		"word", "%d %u %lx", "%s", "%px%%", "%f", "%", "%5d|%-5d|%05d", "%pI4 %pks", "%d\1",
		"%1023d%c", "%1024d", "%sx", "%pB%pS%pi6", "%d%d%d%d%d%d%d", "",
	};
	u32 at = off - 256;

	return off < 256 || at >= sizeof(texts) ? (u8)(off + 1) : (u8)texts[at / 16][at % 16];
}

int kt_map_read(u32 off, u32 size, u64 *val)
{
	*val = 0;
	while (size--)
		*val = *val << 8 | kt_map_byte(off + size);
	return 0;
}
