// SPDX-License-Identifier: GPL-2.0-only
/* kapsel verify - the verifier's verdict, offline */

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "out.h"
#include "select.h"

enum { OPT_PROG, OPT_STATS, OPT_CEILING, OPT_METERED, OPT_SET };

const struct cli_option verify_options[] = {
	[OPT_PROG] = { "--prog", 'p', true, "PROG: only this program (may be repeated)" },
	[OPT_STATS] = { "--stats", 0, false, "what the verification took" },
	[OPT_CEILING] = { "--ceiling", 0, true, "N: most instructions a run may take" },
	[OPT_METERED] = { "--metered", 0, false, "loops need no bound: runs end at the ceiling" },
	[OPT_SET] = { "--set", 0, true, "VAR=VALUE: a global constant's value" },
	{ .name = NULL }
};

static const struct out_column columns[] = {
	{ "prog", "PROG", false },
	{ "type", "TYPE", false },
	{ "section", "SECTION", false },
	{ "insns", "INSNS", true },
	{ "max_insns", "AT MOST", true },
	{ "stack", "STACK", true },
	{ "verdict", "VERDICT", false },
};

static const struct out_column stat_columns[] = {
	{ "prog", "PROG", false },
	{ "visited", "VISITED", true },
	{ "states", "STATES", true },
	{ "state_bytes", "BYTES", true },
	{ "rung", "RUNG", true },
	{ "subprogs", "FUNCS", true },
	{ "warnings", "WARNINGS", true },
	{ "ns", "TIME", true },
};

/** struct run - one call of the command */
struct run {
	struct selection sel;
	struct kapsel_budget budget;
	const char *path;
	bool stats;
	struct out_table table;
	struct out_table stat_table;
	struct kapsel_json js;
	__u32 accepted;
	__u32 rejected;
	__u32 failed;
};

static void add_row(struct run *run, const struct kapsel_prog *prog,
		    const struct kapsel_result *res)
{
	struct out_table *t = &run->table;
	char code[16];

	out_str(t, prog->name);
	out_str(t, kapsel_prog_type_name(prog->hook.prog_type));
	out_str(t, prog->section);
	out_u64(t, prog->insn_cnt);
	if (res->err) {
		out_none(t);
		out_none(t);
		out_str(t, res->verdict.code ?
			kapsel_code_name(res->verdict.code, code, sizeof(code)) : "failed");
		return;
	}
	if (kapsel_tail_calls(prog))
		out_labelled(t, res->verdict.max_insns, "%llu + tail calls",
			     (unsigned long long)res->verdict.max_insns);
	else
		out_u64(t, res->verdict.max_insns);
	out_u64(t, res->verdict.stack_depth);
	out_str(t, "ok");
}

static void add_stats(struct run *run, const struct kapsel_prog *prog,
		      const struct kapsel_result *res)
{
	struct out_table *t = &run->stat_table;
	const struct kapsel_verdict *v = &res->verdict;

	out_str(t, prog->name);
	out_u64(t, v->visited);
	out_u64(t, v->states);
	out_u64(t, v->state_bytes);
	out_u64(t, v->rung);
	out_u64(t, v->subprogs);
	out_u64(t, v->warnings);
	out_labelled(t, res->ns, "%.2f ms", res->ns / 1e6);
}

static void put_json(struct run *run, const struct kapsel_prog *prog,
		     const struct kapsel_result *res)
{
	kapsel_json_open(&run->js, NULL, '{');
	out_json_members(&run->js, &run->table);
	kapsel_json_open(&run->js, "stats", '{');
	out_json_members(&run->js, &run->stat_table);
	kapsel_json_close(&run->js, '}');
	kapsel_render_json(&run->js, "problems", prog, res);
	kapsel_json_close(&run->js, '}');
}

static void verify_one(struct run *run, const struct kapsel_prog *prog)
{
	struct kapsel_render how = {
		.out = stdout, .prog = prog, .colour = cli.colour, .verbose = cli.verbose,
	};
	struct kapsel_error err;
	struct kapsel_result res;

	if (!kapsel_verify_offline(prog, &run->budget, &res, &err))
		run->accepted++;
	else if (res.verdict.code)
		run->rejected++;
	else
		run->failed++;
	add_row(run, prog, &res);
	add_stats(run, prog, &res);
	if (cli.json)
		put_json(run, prog, &res);
	else
		kapsel_render_text(&how, &res);
	if (res.err && !res.verdict.code && !cli.json)
		cli_fail(&err, CLI_FAILED);
	kapsel_result_free(&res);
}

static int verify_all(struct run *run, const struct kapsel_object *obj)
{
	__u32 i, count = kapsel_nr_progs(obj);

	for (i = 0; i < count; i++)
		if (select_has(&run->sel, kapsel_prog_at(obj, i)))
			verify_one(run, kapsel_prog_at(obj, i));
	if (run->failed)
		return CLI_FAILED;
	return run->rejected ? CLI_REJECTED : CLI_OK;
}

static void text_summary(struct run *run)
{
	__u32 all = run->accepted + run->rejected + run->failed;

	if (cli.quiet)
		return;
	out_text_table(&run->table, stdout);
	if (run->stats || cli.verbose) {
		putchar('\n');
		out_text_table(&run->stat_table, stdout);
	}
	printf("%u program%s, %u accepted", all, all == 1 ? "" : "s", run->accepted);
	if (run->rejected)
		printf(", %u rejected", run->rejected);
	putchar('\n');
}

static int verify_object(struct run *run, const struct kapsel_object *obj)
{
	int status;

	out_begin(&run->table, columns, ARRAY_LEN(columns));
	out_begin(&run->stat_table, stat_columns, ARRAY_LEN(stat_columns));
	if (cli.json) {
		out_json_begin(&run->js, stdout);
		kapsel_json_str(&run->js, "file", kapsel_object_name(obj));
		kapsel_json_u64(&run->js, "verifier", kapsel_verifier_revision());
		kapsel_json_open(&run->js, "programs", '[');
	}
	status = verify_all(run, obj);
	if (cli.json) {
		kapsel_json_close(&run->js, ']');
		out_json_end(&run->js);
	} else {
		text_summary(run);
	}
	out_free(&run->table);
	out_free(&run->stat_table);
	return status;
}

static int set_global(struct kapsel_object *obj, char *assignment)
{
	char *value = strchr(assignment, '=');
	struct kapsel_error err;
	int ret;

	if (!value)
		return cli_usage("--set takes VAR=VALUE, not '%s'", assignment);
	*value = '\0';
	ret = kapsel_set_global(obj, assignment, value + 1, &err);
	*value = '=';
	return ret ? cli_fail(&err, CLI_FAILED) : 0;
}

int cli_set_globals(struct kapsel_object *obj, char **sets, __u32 count)
{
	int status = 0;
	__u32 i;

	for (i = 0; i < count && !status; i++)
		status = set_global(obj, sets[i]);
	return status;
}

static int read_args(struct run *run, struct cli_args *args, char **sets, __u32 *nr_sets)
{
	int opt, status = 0;

	while (!status && (opt = cli_args_next(args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			status = args->status;
		else if (opt == OPT_PROG)
			status = select_add(&run->sel, args->value);
		else if (opt == OPT_STATS)
			run->stats = true;
		else if (opt == OPT_METERED)
			run->budget.metered = true;
		else if (opt == OPT_SET && *nr_sets < SELECT_MAX)
			sets[(*nr_sets)++] = args->value;
		else if (opt == OPT_CEILING && !cli_parse_count(args->value, &run->budget.ceiling))
			status = cli_usage("'%s' is not a number", args->value);
		else if (opt == CLI_ARG_WORD && run->path)
			status = cli_usage("what is '%s'? One FILE is enough", args->value);
		else if (opt == CLI_ARG_WORD)
			run->path = args->value;
	}
	if (!status && !run->path)
		return cli_usage("no FILE");
	return status;
}

int cmd_verify(int argc, char **argv)
{
	struct kapsel_object *obj;
	char *sets[SELECT_MAX];
	__u32 nr_sets = 0;
	struct cli_args args;
	struct run run = { .sel.optional = true, .sel.check_only = true };
	int status;

	cli_args_init(&args, argc, argv, verify_options);
	status = read_args(&run, &args, sets, &nr_sets);
	if (status)
		return status;
	obj = cli_open(run.path, &status);
	if (!obj)
		return status;
	status = select_check(&run.sel, obj);
	if (!status)
		status = cli_set_globals(obj, sets, nr_sets);
	if (!status)
		status = verify_object(&run, obj);
	kapsel_close(obj);
	return status;
}
