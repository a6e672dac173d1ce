// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of the public BPF conformance runner: runs one program, prints r0.
 *
 *	kapsel-conformance [MEMORY] [OPTION...] <PROGRAM
 *
 * MEMORY, one argument, and PROGRAM are bytes of two hexadecimal digits each, with
 * blanks or without. r1 is the memory's address and r2 its size; both are 0 if
 * there is none. r0 goes to stdout in hexadecimal. A program that is refused, or
 * does not come to its end, leaves a line on stderr; status 1. Wrong usage is
 * status 2.
 *
 * Whatever the engine, a program is verified before it runs, as one of type kprobe
 * whose memory is an array's value (see harness.h): what reads registers or stack
 * that nothing wrote, or cannot be shown to end, is refused as by `kapsel load`.
 */

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define MAX_MEMORY 1048576

enum { REFUSED = 1, USAGE };

static const char usage[] =
	"usage: kapsel-conformance [MEMORY] [OPTION...] <PROGRAM\n"
	"  --engine user|interp|jit    here (the default), or by the module's engines\n"
	"  --cpu-version v1|v2|v3|v4   newest instructions there are (default: v4)\n"
	"  --debug                     more of why a program is refused\n"
	"  --help                      this\n";

/* By name; those of the module by what it calls them. */
static const struct {
	const char *name;
	__u32 kind;
} engines[] = {
	{ "user", KAPSEL_ENGINE_AUTO },
	{ "interp", KAPSEL_ENGINE_INTERP },
	{ "jit", KAPSEL_ENGINE_JIT },
};

static struct {
	unsigned int engine;	/* in engines[] */
	bool debug;
} opt;

static int complain(int status, const char *about, const char *what)
{
	fprintf(stderr, "kapsel-conformance: %s%s%s\n", about ?: "", about ? ": " : "", what);
	return status;
}

static int read_hex(FILE *in, size_t max, struct cf_bytes *bytes, const char *what)
{
	enum cf_hex end = in ? cf_hex_read(in, max, bytes) : CF_HEX_NOMEM;

	return end == CF_HEX_FINE ? 0 : complain(REFUSED, what, cf_hex_why(end));
}

static int read_memory(char *text, struct cf_program *given)
{
	FILE *in;
	int status;

	if (!*text)
		return 0;
	in = fmemopen(text, strlen(text), "r");
	status = read_hex(in, MAX_MEMORY, &given->memory, "the memory");
	if (in)
		fclose(in);
	return status;
}

static int choose_engine(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
		if (!strcmp(name, engines[i].name)) {
			opt.engine = i;
			return 0;
		}
	}
	return complain(USAGE, name, "no such engine; there are user, interp and jit");
}

static int choose_version(const char *name, unsigned int *version)
{
	const char *digit = name + (*name == 'v');

	if (*digit < '1' || *digit > '4' || digit[1])
		return complain(USAGE, name, "no such version; there are v1 to v4");
	*version = *digit - '0';
	return 0;
}

static int parse(int argc, char **argv, struct cf_program *given)
{
	static const struct option options[] = {
		{ "engine", required_argument, NULL, 'e' },
		{ "cpu-version", required_argument, NULL, 'c' },
		{ "cpu_version", required_argument, NULL, 'c' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'e')
			status = choose_engine(optarg);
		else if (c == 'c')
			status = choose_version(optarg, &given->version);
		else if (c == 'd')
			opt.debug = true;
		else if (c == 'h')
			exit(fputs(usage, stdout) == EOF);
		else
			status = complain(USAGE, NULL, "see --help");
	}
	if (status || optind == argc)
		return status;
	status = read_memory(argv[optind++], given);
	/* The runner may hand over options that are empty. */
	while (!status && optind < argc)
		if (*argv[optind++])
			status = complain(USAGE, argv[optind - 1], "what is that? See --help");
	return status;
}

/* The runner may hand over all options as one argument, with blanks between them. */
static char **spread(int *argc, char **argv)
{
	size_t room = 1;
	char **args, *word;
	int i, n = 0;

	for (i = 0; i < *argc; i++)
		room += strlen(argv[i]) + 1;
	args = calloc(room, sizeof(*args));
	for (i = 0; args && i < *argc; i++) {
		if (!i || strncmp(argv[i], "--", 2)) {
			args[n++] = argv[i];
			continue;
		}
		for (word = strtok(argv[i], " "); word; word = strtok(NULL, " "))
			args[n++] = word;
	}
	*argc = n;
	return args;
}

static int refused(const struct kapsel_error *err, const struct kapsel_prog *prog,
		   const struct kapsel_result *res)
{
	const struct kapsel_render how = { .out = stderr, .prog = prog, .verbose = 2 };

	if (opt.debug && res->size)
		kapsel_render_text(&how, res);
	return complain(REFUSED, NULL, err->text);
}

static int run_here(struct kapsel_prog *prog, struct kapsel_run_result *run)
{
	const struct kapsel_run_opts opts = {};
	struct kapsel_error err = {};
	struct kapsel_result res;
	int status = 0;

	if (kapsel_run_offline(prog, &opts, NULL, run, &res, &err))
		status = refused(&err, prog, &res);
	else if (!run->finished)
		status = complain(REFUSED, NULL, "the program did not come to its end");
	kapsel_result_free(&res);
	return status;
}

static int load(const struct kapsel_dev *dev, struct kapsel_object *obj)
{
	const struct kapsel_load_opts opts = { .engine = engines[opt.engine].kind };
	struct kapsel_prog *prog = kapsel_prog_at(obj, 0);
	struct kapsel_error err = {};
	struct kapsel_result res = {};
	int status = 0;

	if (kapsel_maps_create(dev, obj, &err) || kapsel_prog_load(dev, prog, &opts, &res, &err))
		status = refused(&err, prog, &res);
	kapsel_result_free(&res);
	return status;
}

static int run_there(struct kapsel_object *obj, struct kapsel_run_result *run)
{
	const struct kapsel_run_opts opts = {};
	struct kapsel_error err = {};
	struct kapsel_dev dev;
	int status;

	if (kapsel_dev_open(&dev, NULL, &err))
		return complain(REFUSED, NULL, err.text);
	if (dev.abi.engines & 1 << engines[opt.engine].kind)
		status = load(&dev, obj);
	else
		status = complain(REFUSED, engines[opt.engine].name, "the module has no such engine");
	if (!status && kapsel_run_device(kapsel_prog_at(obj, 0)->fd, &opts, run, &err))
		status = complain(REFUSED, NULL, err.text);
	kapsel_dev_close(&dev);
	return status;
}

static int run(const struct cf_program *given)
{
	struct kapsel_run_result result = {};
	struct kapsel_error err = {};
	struct kapsel_object *obj = cf_harness_open(given, &err);
	int status;

	if (!obj)
		return complain(REFUSED, NULL, err.text);
	if (engines[opt.engine].kind)
		status = run_there(obj, &result);
	else
		status = run_here(kapsel_prog_at(obj, 0), &result);
	kapsel_close(obj);
	if (!status && printf("%llx\n", result.retval) < 0)
		status = complain(REFUSED, NULL, "cannot write");
	return status;
}

int main(int argc, char **argv)
{
	struct cf_program given = { .version = 4 };
	char **args = spread(&argc, argv);
	int status = args ? parse(argc, args, &given) : complain(REFUSED, NULL, "no memory");

	if (!status)
		status = read_hex(stdin, KAPSEL_MAX_INSNS * sizeof(struct bpf_insn), &given.code,
				  "the program");
	if (!status)
		status = run(&given);
	cf_bytes_free(&given.code);
	cf_bytes_free(&given.memory);
	free(args);
	return status;
}
