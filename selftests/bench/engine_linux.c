// SPDX-License-Identifier: GPL-2.0-only
/*
 * The running kernel's own verifier, by bpf(2) and libbpf, with the log that holds
 * nothing but its statistics: the time it says is that of verification and of its
 * rewrites, without the JIT (but of functions that the program calls).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "engines.h"

#define LOG_STATS 4
#define LOG_SIZE (64 << 10)

static bool linux_open(void)
{
	return libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SKB, NULL) == 1;
}

/* The number behind @word. */
static __u64 number_at(const char *log, const char *word)
{
	const char *at = strstr(log, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* The last line before the statistics. */
static void take_why(char *log, struct bench_answer *answer)
{
	char *end = strstr(log, "verification time "), *line;

	if (end)
		*end = '\0';
	log[strlen(log) - (end && end > log)] = '\0';
	line = strrchr(log, '\n');
	snprintf(answer->why, sizeof(answer->why), "%s", line ? line + 1 : log);
}

static void set_up(struct bpf_program *prog, bool kprobe, char *log)
{
	bpf_program__set_type(prog, kprobe ? BPF_PROG_TYPE_KPROBE :
					     BPF_PROG_TYPE_CGROUP_SKB);
	bpf_program__set_log_level(prog, LOG_STATS);
	bpf_program__set_log_buf(prog, log, LOG_SIZE);
}

/*
 * On a busy machine the time in the log holds that of others; the thread's own
 * time for the whole load holds more than verification. The lesser is nearer.
 */
static int timed_load(struct bpf_object *obj, const char *log, __u64 *ns)
{
	__u64 start = bench_now(), logged;
	int ret = bpf_object__load(obj);

	*ns = bench_now() - start;
	logged = number_at(log, "verification time ") * 1000;
	if (logged && logged < *ns)
		*ns = logged;
	return ret;
}

static void linux_verify(const struct bench_prog *p, struct bench_answer *answer)
{
	struct bpf_object *obj = bpf_object__open_mem(p->image, p->image_size, NULL);
	char *log = calloc(1, LOG_SIZE);
	struct bpf_program *prog;

	answer->refused = true;
	if (!obj || !log)
		goto out;
	bpf_object__for_each_program(prog, obj) {
		if (strcmp(bpf_program__name(prog), p->prog->name))
			bpf_program__set_autoload(prog, false);
		else
			set_up(prog, p->prog->hook.prog_type == KAPSEL_PROG_KPROBE, log);
	}
	answer->refused = timed_load(obj, log, &answer->ns);
	answer->visited = number_at(log, "processed ");
	if (answer->refused)
		take_why(log, answer);
out:
	bpf_object__close(obj);
	free(log);
}

const struct bench_engine bench_linux = {
	.name = "Linux", .open = linux_open, .verify = linux_verify,
};
