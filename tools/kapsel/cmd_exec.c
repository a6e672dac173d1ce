// SPDX-License-Identifier: GPL-2.0-only
/* kapsel exec - run a program on given input, offline or on the device */

#include <stdlib.h>

#include "commands.h"
#include "out.h"
#include "packets.h"
#include "session.h"

enum {
	OPT_PROG, OPT_CTX, OPT_DATA, OPT_REPEAT, OPT_SET, OPT_CEILING, OPT_METERED,
	OPT_ON_DEVICE,
};

const struct cli_option exec_options[] = {
	[OPT_PROG] = { "--prog", 'p', true, "PROG: which one, if the file has several" },
	[OPT_CTX] = { "--ctx", 0, true, "FILE: struct pt_regs or struct __sk_buff" },
	[OPT_DATA] = { "--data", 0, true, "FILE: a packet, from its IP header on, or a pcap(ng)" },
	[OPT_REPEAT] = { "--repeat", 0, true, "N: run it N times" },
	[OPT_SET] = { "--set", 0, true, "VAR=VALUE: a global constant's value" },
	[OPT_CEILING] = { "--ceiling", 0, true, "N: most instructions a run may take" },
	[OPT_METERED] = { "--metered", 0, false, "loops need no bound: runs end at the ceiling" },
	[OPT_ON_DEVICE] = { "--on-device", 0, false, "in the kernel, in place of here" },
	{ .name = NULL }
};

#define MAX_INPUT 65535

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
	const struct kapsel_prog *prog;
	struct kapsel_offline *offline;
};

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

/* One that is loaded, or made ready here: 0 or an exit status. */
static int make_ready(struct exec *x)
{
	FILE *trace = cli.json || x->repeat > 1 ? NULL : stdout;
	struct kapsel_error err = {};
	struct kapsel_result res;
	int status = 0;

	if (x->on_device)
		return 0;
	if (kapsel_offline_open(x->prog, &x->session.opts.budget, trace, &x->offline, &res, &err))
		status = cli_fail_result(&err, x->prog, &res);
	kapsel_result_free(&res);
	return status;
}

static int run(struct exec *x, const void *data, __u32 size, struct kapsel_run_result *run)
{
	struct kapsel_run_opts opts = {
		.ctx = x->ctx, .ctx_size = x->ctx_size, .data = data, .data_size = size,
		.repeat = x->repeat, .hooknum = x->prog->hook.hooknum,
	};
	struct kapsel_error err = {};
	int ret = x->on_device ? kapsel_run_device(x->prog->fd, &opts, run, &err) :
				 kapsel_offline_run(x->offline, &opts, run, &err);

	return ret ? cli_fail(&err, CLI_FAILED) : 0;
}

static int run_packet(void *priv, const struct kapsel_packet *packet,
		      struct kapsel_run_result *result)
{
	return run(priv, packet->data, packet->size, result);
}

static int run_input(struct exec *x)
{
	struct kapsel_run_result result;
	int status;

	if (x->data && kapsel_is_pcap(x->data, x->data_size))
		return packets_run(x->data, x->data_size, run_packet, x);
	status = run(x, x->data, x->data_size, &result);
	if (status)
		return status;
	put_run(x->prog, &result, x->on_device);
	return result.finished ? 0 : CLI_FAILED;
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

static int check_input(const struct exec *x)
{
	bool packets = x->prog->hook.prog_type == KAPSEL_PROG_NETFILTER;
	bool captured = x->data && kapsel_is_pcap(x->data, x->data_size);

	if (packets && !x->data)
		return cli_usage("a netfilter program wants a packet: --data FILE");
	if (captured && !packets)
		return cli_usage("only a netfilter program runs on captured packets");
	if (!captured && x->data_size > MAX_INPUT)
		return cli_usage("the packet is over %d bytes", MAX_INPUT);
	return x->ctx_size > MAX_INPUT ? cli_usage("the context is over %d bytes", MAX_INPUT) : 0;
}

static int exec(struct exec *x)
{
	int status = open_file(x);

	x->prog = status ? NULL : the_program(x, &status);
	if (!x->prog)
		return status;
	status = check_input(x);
	status = status ?: make_ready(x);
	return status ?: run_input(x);
}

static int take_option(struct exec *x, int opt, char *value)
{
	switch (opt) {
	case OPT_PROG:
		return select_add(&x->session.sel, value);
	case OPT_CTX:
		return read_file(value, &x->ctx, &x->ctx_size);
	case OPT_DATA:
		return read_file(value, &x->data, &x->data_size);
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
	kapsel_offline_close(x.offline);
	session_close(&x.session);
	free(x.ctx);
	free(x.data);
	return status;
}
