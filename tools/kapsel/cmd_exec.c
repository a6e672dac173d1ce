// SPDX-License-Identifier: GPL-2.0-only
/* kapsel exec - run a program on given input, offline or on the device */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "out.h"
#include "session.h"

enum {
	OPT_PROG, OPT_CTX, OPT_DATA, OPT_REPEAT, OPT_SET, OPT_CEILING, OPT_METERED,
	OPT_ON_DEVICE,
};

const struct cli_option exec_options[] = {
	[OPT_PROG] = { "--prog", 'p', true, "PROG: which one, if the file has several" },
	[OPT_CTX] = { "--ctx", 0, true, "FILE: struct pt_regs or struct __sk_buff" },
	[OPT_DATA] = { "--data", 0, true, "FILE: the packet, from its IP header on, or a pcap" },
	[OPT_REPEAT] = { "--repeat", 0, true, "N: run it N times" },
	[OPT_SET] = { "--set", 0, true, "VAR=VALUE: a global constant's value" },
	[OPT_CEILING] = { "--ceiling", 0, true, "N: most instructions a run may take" },
	[OPT_METERED] = { "--metered", 0, false, "loops need no bound: runs end at the ceiling" },
	[OPT_ON_DEVICE] = { "--on-device", 0, false, "in the kernel, in place of here" },
	{ .name = NULL }
};

#define MAX_INPUT 65535
#define PCAP_HEADER 24
#define PCAP_RECORD 16

/** struct exec - one call of the command */
struct exec {
	struct session session;
	const char *path;
	bool on_device;
	__u64 repeat;
	char *ctx;
	size_t ctx_size;
	char *data;
	size_t data_size;
	char *packet;
	size_t packet_size;
};

static int read_input(const char *path, char **data, size_t *size)
{
	struct kapsel_error err = {};
	FILE *file = fopen(path, "re");

	*data = calloc(1, MAX_INPUT + PCAP_HEADER + PCAP_RECORD);
	if (file && *data)
		*size = fread(*data, 1, MAX_INPUT + PCAP_HEADER + PCAP_RECORD, file);
	if (file)
		fclose(file);
	if (file && *data && *size)
		return 0;
	err.err = -errno;
	snprintf(err.text, sizeof(err.text), "cannot read %s", path);
	return cli_fail(&err, CLI_FAILED);
}

/* Bytes before the IP header, by the file's link type; -1: not known. */
static int link_header(__u32 type)
{
	switch (type) {
	case 1:		/* Ethernet */
		return 14;
	case 101:	/* raw IP */
	case 228:	/* IPv4 */
	case 229:	/* IPv6 */
	case 12:
		return 0;
	case 113:	/* Linux cooked */
		return 16;
	}
	return -1;
}

/* The first packet of a pcap file in our byte order; other files are the packet. */
static int unpack(struct exec *x)
{
	__u32 magic = 0, type = 0, len = 0;
	int skip;

	x->packet = x->data;
	x->packet_size = x->data_size;
	if (x->data_size >= sizeof(magic))
		memcpy(&magic, x->data, sizeof(magic));
	if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d)
		return x->data_size <= MAX_INPUT ? 0 :
		       cli_usage("the packet is over %d bytes", MAX_INPUT);
	if (x->data_size > PCAP_HEADER + PCAP_RECORD) {
		memcpy(&type, x->data + 20, sizeof(type));
		memcpy(&len, x->data + PCAP_HEADER + 8, sizeof(len));
	}
	skip = link_header(type);
	if (skip < 0)
		return cli_usage("the pcap file's link type %u is not known", type);
	if (len <= (__u32)skip || len > x->data_size - PCAP_HEADER - PCAP_RECORD)
		return cli_usage("the pcap file holds no whole packet");
	x->packet = x->data + PCAP_HEADER + PCAP_RECORD + skip;
	x->packet_size = len - skip;
	return 0;
}

static void put_stopped(const struct kapsel_prog *prog, const struct kapsel_run_result *run)
{
	printf("%s ran out of instructions: stopped after %llu, without a result\n",
	       prog->name, (unsigned long long)run->insns);
}

static void put_run(const struct kapsel_prog *prog, const struct kapsel_run_result *run,
		    bool on_device)
{
	struct kapsel_json js;

	if (cli.json) {
		out_json_begin(&js, stdout);
		kapsel_json_str(&js, "prog", prog->name);
		if (run->finished)
			kapsel_json_u64(&js, "retval", run->retval);
		kapsel_json_u64(&js, "ns", run->duration_ns);
		kapsel_json_bool(&js, "finished", run->finished);
		if (!on_device)
			kapsel_json_u64(&js, "insns", run->insns);
		out_json_end(&js);
		return;
	}
	if (!run->finished) {
		put_stopped(prog, run);
		return;
	}
	printf("%s returned %lld", prog->name, (long long)run->retval);
	if (!on_device)
		printf("   %llu insns", (unsigned long long)run->insns);
	printf("   %llu ns/run\n", (unsigned long long)run->duration_ns);
}

static int run_here(struct exec *x, const struct kapsel_prog *prog,
		    const struct kapsel_run_opts *opts)
{
	FILE *trace = cli.json ? NULL : x->repeat > 1 ? NULL : stdout;
	struct kapsel_run_result run;
	struct kapsel_result res;
	struct kapsel_error err = {};
	int status = 0;

	if (kapsel_run_offline(prog, opts, trace, &run, &res, &err)) {
		status = cli_fail_result(&err, prog, &res);
	} else {
		put_run(prog, &run, false);
		status = run.finished ? 0 : CLI_FAILED;
	}
	kapsel_result_free(&res);
	return status;
}

static int run_there(const struct kapsel_prog *prog, const struct kapsel_run_opts *opts)
{
	struct kapsel_run_result run;
	struct kapsel_error err = {};

	if (kapsel_run_device(prog->fd, opts, &run, &err))
		return cli_fail(&err, CLI_FAILED);
	put_run(prog, &run, true);
	return 0;
}

static struct kapsel_prog *the_program(struct exec *x, int *status)
{
	struct kapsel_object *obj = x->session.obj;

	if (x->session.sel.nr_names)
		return kapsel_prog_find(obj, x->session.sel.names[0]);
	if (kapsel_nr_progs(obj) == 1)
		return kapsel_prog_at(obj, 0);
	*status = cli_usage("%s has several programs: say which by -p", x->path);
	return NULL;
}

static int open_file(struct exec *x)
{
	int status = 0;

	if (x->on_device)
		return session_load(&x->session, x->path);
	x->session.obj = cli_open(x->path, &status);
	if (!x->session.obj)
		return status;
	x->session.sel.check_only = true;
	status = select_check(&x->session.sel, x->session.obj);
	return status ? status : cli_set_globals(x->session.obj, x->session.sets,
						 x->session.nr_sets);
}

static int exec(struct exec *x)
{
	struct kapsel_run_opts opts = {
		.ctx = x->ctx, .ctx_size = x->ctx_size, .data = x->packet,
		.data_size = x->packet_size, .repeat = x->repeat,
		.budget = &x->session.opts.budget,
	};
	struct kapsel_prog *prog;
	int status = open_file(x);

	prog = status ? NULL : the_program(x, &status);
	if (!prog)
		return status;
	opts.hooknum = prog->hook.hooknum;
	if (prog->hook.prog_type == KAPSEL_PROG_NETFILTER && !x->packet)
		return cli_usage("a netfilter program wants a packet: --data FILE");
	return x->on_device ? run_there(prog, &opts) : run_here(x, prog, &opts);
}

static int take_option(struct exec *x, int opt, char *value)
{
	int status;

	switch (opt) {
	case OPT_PROG:
		return select_add(&x->session.sel, value);
	case OPT_CTX:
		return read_input(value, &x->ctx, &x->ctx_size);
	case OPT_DATA:
		status = read_input(value, &x->data, &x->data_size);
		return status ? status : unpack(x);
	case OPT_REPEAT:
		return cli_parse_count(value, &x->repeat) && x->repeat <= KAPSEL_MAX_REPEAT ? 0 :
		       cli_usage("'%s' is not a number up to %d", value, KAPSEL_MAX_REPEAT);
	case OPT_SET:
		return session_set(&x->session, value);
	case OPT_CEILING:
		return session_ceiling(&x->session, value);
	case OPT_METERED:
		x->session.opts.budget.metered = true;
		return 0;
	case OPT_ON_DEVICE:
		x->on_device = true;
		return 0;
	}
	if (x->path || opt == CLI_ARG_REST)
		return cli_usage("what is '%s'? One FILE is enough", value ? value : "--");
	x->path = value;
	return 0;
}

int cmd_exec(int argc, char **argv)
{
	struct exec x = { .repeat = 1 };
	struct cli_args args;
	int opt, status = 0;

	session_init(&x.session);
	cli_args_init(&args, argc, argv, exec_options);
	while (!status && (opt = cli_args_next(&args)) != CLI_ARG_END)
		status = opt == CLI_ARG_ERROR ? args.status : take_option(&x, opt, args.value);
	if (!status)
		status = x.path ? exec(&x) : cli_usage("no FILE");
	session_close(&x.session);
	free(x.ctx);
	free(x.data);
	return status;
}
