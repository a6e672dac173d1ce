// SPDX-License-Identifier: GPL-2.0-only
/* Compute kernels, maps and ring buffers by test runs of the same object's programs */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <kapsel.h>
#include <linux/kernel.h>

#include "events.h"
#include "figures.h"
#include "readers.h"

#define REPEAT		200
#define PERF_REPEAT	20	/* kapsel's ring of perf events has room for so many */
#define ROUNDS		200
#define OPS		100	/* as kernels.bpf.c has it */

/* An IPv4 header is enough for kapsel; Linux wants a frame around it. */
static unsigned char frame[14 + 50] = {
	[12] = 8, [14] = 0x45, [17] = 50, [22] = 64, [23] = 17,
};

static char path[PATH_MAX];
static int running;	/* the program that is measured */
static __u32 repeat = REPEAT;

/* All programs return 1, unless something failed that they did. */
static double answered(__u32 retval, double ns)
{
	if (retval != 1)
		fprintf(stderr, "# a program failed\n");
	return retval == 1 ? ns : 0;
}

static double run_in_kapsel(void)
{
	struct kapsel_test_run arg = {
		.data_in = (unsigned long)(frame + 14), .data_size_in = sizeof(frame) - 14,
		.repeat = repeat,
	};

	readers_drain();
	if (ioctl(running, KAPSEL_PROG_TEST_RUN, &arg))
		return 0;
	return answered(arg.retval, arg.duration_ns);
}

static double run_in_linux(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);

	readers_drain();
	if (bpf_prog_test_run_opts(running, &opts))
		return 0;
	return answered(opts.retval, opts.duration);
}

/**
 * struct engine - something that runs the object's programs
 * @name: for people
 * @who: for the picture
 * @open: loads all of them; false: can't
 * @prog: a program's fd
 * @run: runs what is running
 */
struct engine {
	const char *name;
	enum figure_who who;
	bool (*open)(void);
	int (*prog)(const char *name);
	double (*run)(void);
};

/* ------------------------------------------------------------------------
 * kapsel
 */
static struct kapsel_object *ours[2];

static bool open_ours(struct kapsel_object **obj, __u32 engine)
{
	const struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	struct kapsel_dev dev;

	*obj = kapsel_open(path, &err);
	if (!*obj || kapsel_dev_open(&dev, NULL, &err) || kapsel_maps_create(&dev, *obj, &err))
		goto failed;
	for (__u32 i = 0; i < kapsel_nr_progs(*obj); i++)
		if (kapsel_prog_load(&dev, kapsel_prog_at(*obj, i), &opts, &res, &err))
			goto failed;
	kapsel_result_free(&res);
	return read_kapsel(&dev, kapsel_map_find(*obj, "records"));
failed:
	fprintf(stderr, "%s\n", err.text);
	return false;
}

static bool open_jit(void)
{
	return open_ours(&ours[0], KAPSEL_ENGINE_JIT);
}

static bool open_interp(void)
{
	return open_ours(&ours[1], KAPSEL_ENGINE_INTERP);
}

static int prog_of_jit(const char *name)
{
	return kapsel_prog_find(ours[0], name)->fd;
}

static int prog_of_interp(const char *name)
{
	return kapsel_prog_find(ours[1], name)->fd;
}

/* ------------------------------------------------------------------------
 * Linux
 */
static struct bpf_object *theirs;

static int complain(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* libkapsel keeps libbpf quiet. */
static bool open_linux(void)
{
	struct bpf_program *prog;

	libbpf_set_print(complain);
	theirs = bpf_object__open_file(path, NULL);
	if (!theirs)
		return false;
	bpf_object__for_each_program(prog, theirs)
		bpf_program__set_type(prog, BPF_PROG_TYPE_CGROUP_SKB);
	return !bpf_object__load(theirs) &&
	       read_linux(bpf_object__find_map_fd_by_name(theirs, "records"));
}

static int prog_of_linux(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(theirs, name));
}

static const struct engine engines[] = {
	{ "kapsel, JIT", FIGURE_KAPSEL, open_jit, prog_of_jit, run_in_kapsel },
	{ "kapsel, interpreter", FIGURE_KAPSEL, open_interp, prog_of_interp, run_in_kapsel },
	{ "Linux, JIT", FIGURE_LINUX, open_linux, prog_of_linux, run_in_linux },
};

static bool usable[ARRAY_SIZE(engines)];

/* ------------------------------------------------------------------------
 * Rows
 */
static double measure(const struct engine *engine, const char *prog)
{
	running = engine->prog(prog);
	return bench_least(engine->run);
}

static __u32 kernel_nr;

static double run_in_c(void)
{
	struct floor_arg arg = { .what = kernel_nr, .rounds = ROUNDS };

	return ioctl(bench_floor, FLOOR_COMPUTE, &arg) ? 0 : (double)arg.ns / ROUNDS;
}

/* Over a program that does nothing, so that how test runs are made is left out. */
static void compute(const char *group, const char *prog, __u32 nr)
{
	kernel_nr = nr;
	figure_add(group, "C, by gcc", FIGURE_FLOOR, bench_least(run_in_c));
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (usable[i])
			figure_add(group, engines[i].name, engines[i].who,
				   measure(&engines[i], prog) - measure(&engines[i], "empty"));
}

/* The same over the loop that they are in. */
static void operate(const char *group, const char *prog)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (usable[i])
			figure_add(group, engines[i].name, engines[i].who,
				   (measure(&engines[i], prog) -
				    measure(&engines[i], "ops_none")) / OPS);
}

void bench_computing(void)
{
	bench_object("kernels.bpf.o", path);
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		usable[i] = engines[i].open();
		if (!usable[i])
			figure_missing("computing", engines[i].name, "can't load the programs");
	}
	compute("xorshift and multiply, 1,000 rounds", "mix", 0);
	compute("parse and sum up 1,500 bytes", "parse", 1);
	compute("FNV hash of 1 KiB", "fnv", 2);
	compute("Jenkins hash of 1 KiB", "jenkins", 3);
	operate("array lookup, and add", "ops_array");
	operate("per-CPU array lookup, and add", "ops_percpu");
	operate("array lookup by any index, and add", "ops_array_any");
	operate("per-CPU array lookup by any index, and add", "ops_percpu_any");
	operate("hash update", "ops_update");
	operate("hash lookup, and add", "ops_hash");
	operate("per-CPU hash update", "ops_each_update");
	operate("per-CPU hash lookup, and add", "ops_each");
	operate("LRU hash update", "ops_lru_update");
	operate("LRU hash lookup, and add", "ops_lru");
	operate("trie update", "ops_trie_update");
	operate("trie lookup, and add", "ops_trie");
	operate("queue: push and pop", "ops_queue");
	operate("ring buffer record", "ops_ring");
	repeat = PERF_REPEAT;
	operate("perf event record", "ops_perf");
}
