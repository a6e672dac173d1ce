// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - a file's programs, loaded and attached: what run and load share */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"
#include "session.h"

void session_init(struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->dev.fd = -1;
	nf_options_init(&s->nf);
}

int session_set(struct session *s, char *assignment)
{
	if (s->nr_sets == SELECT_MAX)
		return cli_usage("more than %d times --set", SELECT_MAX);
	s->sets[s->nr_sets++] = assignment;
	return 0;
}

/* A hook's own words have a colon before any "=". */
static char *split_prog(char *words, const char **prog)
{
	char *equals = strchr(words, '='), *colon = strchr(words, ':');

	*prog = NULL;
	if (!equals || (colon && colon < equals))
		return words;
	*equals = '\0';
	*prog = words;
	return equals + 1;
}

static int take_hook(struct session *s, char *words)
{
	struct session_hook *to = &s->hooks[s->nr_hooks];
	struct kapsel_error err = {};

	if (s->nr_hooks == SELECT_MAX)
		return cli_usage("more than %d times --hook", SELECT_MAX);
	words = split_prog(words, &to->prog);
	if (kapsel_hook_parse(words, &to->hook, &err))
		return cli_fail(&err, CLI_USAGE);
	s->nr_hooks++;
	return 0;
}

static int take_maxactive(struct session *s, const char *number)
{
	__u64 value;

	if (!cli_parse_count(number, &value) || value > 4096)
		return cli_usage("'%s' is not a number from 1 to 4096", number);
	s->maxactive = value;
	return 0;
}

static int take_cookies(struct session *s, const char *numbers)
{
	const char *at = numbers;
	char *end;

	do {
		if (s->nr_cookies == SELECT_MAX)
			return cli_usage("more than %d cookies", SELECT_MAX);
		errno = 0;
		s->cookies[s->nr_cookies++] = strtoull(at, &end, 0);
		if (errno || end == at || *at == '-' || (*end && *end != ','))
			return cli_usage("'%s' is not a number, or several with commas between them",
					 numbers);
		at = end + 1;
	} while (*end);
	return 0;
}

static int take_engine(struct session *s, const char *name)
{
	static const char *const names[] = { "auto", "interp", "jit", NULL };
	char hint[80];
	__u32 i;

	for (i = 0; names[i]; i++) {
		if (!strcmp(names[i], name)) {
			s->opts.engine = i;
			return 0;
		}
	}
	return cli_usage("'%s' is not auto, interp or jit%s", name,
			 cli_suggest(name, names, hint, sizeof(hint)));
}

int session_ceiling(struct session *s, const char *number)
{
	return cli_parse_count(number, &s->opts.budget.ceiling) ? 0 :
	       cli_usage("'%s' is not a number of instructions", number);
}

int session_option(struct session *s, int opt, char *value)
{
	if (opt >= SESSION_NF)
		return nf_options_take(&s->nf, opt - SESSION_NF, value);
	switch (opt) {
	case SESSION_PROG:
		return select_add(&s->sel, value);
	case SESSION_SET:
		return session_set(s, value);
	case SESSION_ENGINE:
		return take_engine(s, value);
	case SESSION_HOOK:
		return take_hook(s, value);
	case SESSION_CEILING:
		return session_ceiling(s, value);
	case SESSION_METERED:
		s->opts.budget.metered = true;
		return 0;
	case SESSION_MAXACTIVE:
		return take_maxactive(s, value);
	case SESSION_WRAP:
		s->wrap = true;
		return 0;
	case SESSION_COOKIE:
		return take_cookies(s, value);
	default:
		s->skip_missing = true;
		return 0;
	}
}

static int load_one(struct session *s, struct kapsel_prog *prog)
{
	struct kapsel_render how = { .out = stderr, .prog = prog, .verbose = cli.verbose };
	struct kapsel_error err = {};
	struct kapsel_result res;
	int status = 0;

	if (kapsel_prog_load(&s->dev, prog, &s->opts, &res, &err))
		status = cli_fail_result(&err, prog, &res);
	else if (res.verdict.warnings && !cli.json && !cli.quiet)
		kapsel_render_text(&how, &res);
	kapsel_result_free(&res);
	return status;
}

/* All are optional, or such as no hook takes. */
static int nothing_meant(const struct session *s)
{
	struct kapsel_error err = { .err = -ENOENT };
	__u32 i, foreign = 0;

	for (i = 0; i < kapsel_nr_progs(s->obj); i++)
		foreign += kapsel_prog_at(s->obj, i)->hook.check_only;
	if (foreign) {
		snprintf(err.text, sizeof(err.text), "%s: kapsel has no hook for what is in it",
			 kapsel_object_name(s->obj));
		snprintf(err.hint, sizeof(err.hint), "`kapsel verify` checks it; --hook PROG=nf:inet:input, for example, judges packets by it");
		return cli_fail(&err, CLI_FAILED);
	}
	snprintf(err.text, sizeof(err.text), "%s: all its programs are optional, SEC(\"?...\")",
		 kapsel_object_name(s->obj));
	snprintf(err.hint, sizeof(err.hint), "name those to load by -p PROG");
	return cli_fail(&err, CLI_FAILED);
}

/* Programs for tail calls need no place of their own. */
static bool is_called(const struct session *s, const struct kapsel_prog *prog)
{
	__u32 i;

	for (i = 0; i < kapsel_nr_maps(s->obj); i++)
		if (kapsel_map_holds(kapsel_map_at(s->obj, i), prog))
			return true;
	return false;
}

static bool is_loaded(const struct session *s, const struct kapsel_prog *prog)
{
	return select_has(&s->sel, prog) || (prog->optional && is_called(s, prog));
}

static int load_all(struct session *s)
{
	struct kapsel_error err = {};
	__u32 i, count = kapsel_nr_progs(s->obj), meant = 0;
	int status = 0;

	for (i = 0; i < count; i++)
		meant += select_has(&s->sel, kapsel_prog_at(s->obj, i));
	if (!meant)
		return nothing_meant(s);
	if (kapsel_maps_create(&s->dev, s->obj, &err))
		return cli_fail(&err, 0);
	for (i = 0; i < count && !status; i++)
		if (is_loaded(s, kapsel_prog_at(s->obj, i)))
			status = load_one(s, kapsel_prog_at(s->obj, i));
	return status;
}

/* A socket filter that is given a hook is what the hook takes, and held to it. */
static void place_foreign(struct session *s)
{
	__u32 i;

	for (i = 0; i < s->nr_hooks; i++) {
		const struct session_hook *given = &s->hooks[i];
		struct kapsel_prog *prog = given->prog ? kapsel_prog_find(s->obj, given->prog) :
							 NULL;

		if (prog && prog->hook.check_only &&
		    prog->hook.prog_type == given->hook.prog_type)
			prog->hook = given->hook;
	}
}

static void say_check_only(const struct kapsel_object *obj)
{
	__u32 i;

	for (i = 0; i < kapsel_nr_progs(obj); i++) {
		const struct kapsel_prog *prog = kapsel_prog_at(obj, i);

		if (prog->hook.check_only)
			select_say_left_out(prog->name, prog->section);
	}
}

int session_load(struct session *s, const char *path)
{
	int status = 0;

	s->obj = cli_open(path, &status);
	if (!s->obj)
		return status;
	place_foreign(s);
	say_check_only(s->obj);
	status = select_check(&s->sel, s->obj);
	if (!status)
		status = cli_set_globals(s->obj, s->sets, s->nr_sets);
	if (!status)
		status = objects_dev(&s->dev);
	return status ? status : load_all(s);
}

/* One that names the program goes before one that is for all. */
static const struct kapsel_hook *place_of(const struct session *s,
					  const struct kapsel_prog *prog)
{
	const struct kapsel_hook *place = &prog->hook;
	__u32 i;

	for (i = 0; i < s->nr_hooks; i++) {
		const struct session_hook *given = &s->hooks[i];

		if (given->prog && !strcmp(given->prog, prog->name))
			return &given->hook;
		if (!given->prog && given->hook.prog_type == prog->hook.prog_type)
			place = &given->hook;
	}
	return place;
}

bool session_has_place(const struct session *s, const struct kapsel_prog *prog)
{
	const struct kapsel_hook *hook = place_of(s, prog);

	return hook->hook && (hook->hook == KAPSEL_HOOK_NETFILTER || hook->target[0]);
}

static void say_attached(const struct kapsel_prog *prog, const struct kapsel_hook *hook,
			 int link)
{
	static const char * const engines[] = { "auto", "interp", "jit" };
	struct kapsel_obj_info info = {}, at = {};
	struct kapsel_error err;
	char where[KAPSEL_TARGET_LEN + 40], many[60] = "";

	kapsel_hook_format(hook, where, sizeof(where));
	if (kapsel_obj_info(prog->fd, &info, &err) || kapsel_obj_info(link, &at, &err))
		return;
	if (kapsel_hook_is_multi(hook))
		snprintf(many, sizeof(many), "  %u functions", at.link.site_cnt);
	if (at.link.skipped)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), ", not %u",
			 at.link.skipped);
	cli_say("attached  %s  %s%s   (%s, %u insns, at most %llu per run%s)\n", prog->name, where,
		many, engines[info.prog.engine % 3], info.prog.insn_cnt,
		(unsigned long long)info.prog.max_insns,
		info.prog.tail_calls ? " and tail call" : "");
	if (at.link.unwrapped)
		cli_say("not wrapped  %s  %s\n", prog->name,
			kapsel_why_unwrapped(at.link.unwrapped));
}

static void add_link(struct session *s, int fd, struct kapsel_prog *prog)
{
	struct session_link *links = realloc(s->links, (s->nr_links + 1) * sizeof(*links));

	if (!links)
		abort();
	s->links = links;
	links[s->nr_links++] = (struct session_link){ .fd = fd, .prog = prog };
}

static int attach_one(struct session *s, struct kapsel_prog *prog)
{
	struct kapsel_hook hook = *place_of(s, prog);
	struct kapsel_attach_opts opts = s->nf.attach;
	struct kapsel_error err = {};
	int fd;

	opts.wrap = s->wrap;
	opts.cookie = s->cookies[0];
	opts.cookies = s->cookies;
	opts.nr_cookies = s->nr_cookies > 1 ? s->nr_cookies : 0;

	if (hook.hook == KAPSEL_HOOK_KRETPROBE || hook.hook == KAPSEL_HOOK_KRETPROBE_MULTI)
		hook.maxactive = s->maxactive;
	fd = kapsel_attach(&s->dev, prog->fd, &hook, &opts, &err);
	if (fd == -ENOENT && s->skip_missing && hook.hook != KAPSEL_HOOK_NETFILTER) {
		cli_say("left out  %s  %s\n", prog->name, err.text);
		return 0;
	}
	if (fd < 0)
		return cli_fail(&err, 0);
	say_attached(prog, &hook, fd);
	add_link(s, fd, prog);
	return 0;
}

/* A tool's own code would say it; here it is said by hand. */
static void say_placeless(const struct kapsel_prog *prog)
{
	cli_say("no place  %s  SEC(\"%s\") does not say where: --hook %s=HOOK does\n",
		prog->name, prog->section, prog->name);
}

static int attach_none(const struct session *s)
{
	struct kapsel_error err = { .err = -EDESTADDRREQ };

	snprintf(err.text, sizeof(err.text), "%s: no program of it is attached anywhere",
		 kapsel_object_name(s->obj));
	snprintf(err.hint, sizeof(err.hint), "say where by --hook PROG=HOOK");
	return cli_fail(&err, CLI_FAILED);
}

/* What --hook names must be there: a slip would leave a program where it was. */
static int check_hooks(const struct session *s)
{
	__u32 i;

	for (i = 0; i < s->nr_hooks; i++) {
		struct selection sel = {};
		int status = 0;

		if (s->hooks[i].prog)
			status = select_add(&sel, s->hooks[i].prog) ?:
				 select_check(&sel, s->obj);
		if (status)
			return status;
	}
	return 0;
}

int session_attach(struct session *s)
{
	__u32 i, count = kapsel_nr_progs(s->obj);
	int status = check_hooks(s);

	status = status ? status : nf_options_find(&s->nf, &s->dev);
	for (i = 0; i < count && !status; i++) {
		struct kapsel_prog *prog = kapsel_prog_at(s->obj, i);

		if (!select_has(&s->sel, prog))
			continue;
		if (session_has_place(s, prog))
			status = attach_one(s, prog);
		else if (!is_called(s, prog))
			say_placeless(prog);
	}
	return status || s->nr_links ? status : attach_none(s);
}

void session_close(struct session *s)
{
	__u32 i;

	for (i = 0; i < s->nr_links; i++)
		close(s->links[i].fd);
	free(s->links);
	kapsel_close(s->obj);
	kapsel_dev_close(&s->dev);
	nf_options_close(&s->nf);
}
