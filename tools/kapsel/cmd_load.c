// SPDX-License-Identifier: GPL-2.0-only
/* kapsel load - load and attach a file's programs, and keep them under a pin */

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "objects.h"
#include "session.h"

enum { OPT_PIN, OPT_NO_ATTACH, OPT_SESSION };

const struct cli_option load_options[] = {
	[OPT_PIN] = { "--pin", 0, true, "NAME: keep it all under this name" },
	[OPT_NO_ATTACH] = { "--no-attach", 0, false, "only load, for `kapsel attach`" },
	SESSION_OPTION_ROWS(OPT_SESSION),
	{ .name = NULL }
};

struct load {
	struct session session;
	const char *path;
	const char *pin;
	bool no_attach;
	__u32 pinned;
};

/* One object gets NAME, of several each NAME.PROGRAM. */
static int pin(struct load *load, int fd, const char *object, bool several)
{
	struct kapsel_error err = {};
	char name[200];

	snprintf(name, sizeof(name), several ? "%s.%s" : "%s", load->pin, object);
	if (kapsel_pin_obj(&load->session.dev, fd, name, &err))
		return cli_fail(&err, 0);
	load->pinned++;
	cli_say("pinned    %s  as %s\n", object, name);
	return 0;
}

/* Program arrays are emptied when nobody has them, whoever uses them. */
static int pin_arrays(struct load *load)
{
	const struct session *s = &load->session;
	int status = 0;
	__u32 i;

	for (i = 0; i < kapsel_nr_maps(s->obj) && !status; i++) {
		const struct kapsel_map *map = kapsel_map_at(s->obj, i);

		if (map->type == BPF_MAP_TYPE_PROG_ARRAY)
			status = pin(load, map->fd, map->name, true);
	}
	return status;
}

static __u32 count_meant(const struct session *s)
{
	__u32 i, count = 0;

	for (i = 0; i < kapsel_nr_progs(s->obj); i++)
		count += select_has(&s->sel, kapsel_prog_at(s->obj, i));
	return count;
}

static int pin_programs(struct load *load)
{
	struct session *s = &load->session;
	bool several = count_meant(s) > 1;
	int status = 0;
	__u32 i;

	for (i = 0; i < kapsel_nr_progs(s->obj) && !status; i++) {
		struct kapsel_prog *prog = kapsel_prog_at(s->obj, i);

		if (select_has(&s->sel, prog))
			status = pin(load, prog->fd, prog->name, several);
	}
	return status;
}

static int pin_links(struct load *load)
{
	struct session *s = &load->session;
	int status = session_attach(s);
	__u32 i;

	for (i = 0; i < s->nr_links && !status; i++)
		status = pin(load, s->links[i].fd, s->links[i].prog->name, s->nr_links > 1);
	return status;
}

/* Half of a file must not stay behind. */
static void unpin_all(struct load *load)
{
	struct session *s = &load->session;
	struct kapsel_error err;
	char name[200];
	__u32 i;

	for (i = 0; load->pinned && i < kapsel_nr_progs(s->obj); i++) {
		snprintf(name, sizeof(name), "%s.%s", load->pin,
			 kapsel_prog_at(s->obj, i)->name);
		kapsel_unpin(&s->dev, name, &err);
	}
	for (i = 0; load->pinned && i < kapsel_nr_maps(s->obj); i++) {
		snprintf(name, sizeof(name), "%s.%s", load->pin, kapsel_map_at(s->obj, i)->name);
		kapsel_unpin(&s->dev, name, &err);
	}
}

static int load_it(struct load *load)
{
	struct session *s = &load->session;
	int status = session_load(s, load->path);

	if (status)
		return status;
	if (!load->pin) {
		cli_say("loaded and let go again: nothing keeps it without --pin NAME\n");
		return CLI_OK;
	}
	status = load->no_attach ? pin_programs(load) : pin_links(load);
	if (!status)
		status = pin_arrays(load);
	if (status)
		unpin_all(load);
	return status;
}

static int take_option(struct load *load, int opt, char *value)
{
	if (opt >= OPT_SESSION)
		return session_option(&load->session, opt - OPT_SESSION, value);
	switch (opt) {
	case OPT_PIN:
		load->pin = value;
		return 0;
	case OPT_NO_ATTACH:
		load->no_attach = true;
		return 0;
	}
	if (load->path || opt == CLI_ARG_REST)
		return cli_usage("what is '%s'? One FILE is enough", value ? value : "--");
	load->path = value;
	return 0;
}

int cmd_load(int argc, char **argv)
{
	struct load load = {};
	struct cli_args args;
	int opt, status = 0;

	session_init(&load.session);
	cli_args_init(&args, argc, argv, load_options);
	while (!status && (opt = cli_args_next(&args)) != CLI_ARG_END)
		status = opt == CLI_ARG_ERROR ? args.status :
						take_option(&load, opt, args.value);
	if (!status && !load.path)
		status = cli_usage("no FILE");
	if (!status)
		status = load_it(&load);
	session_close(&load.session);
	return status;
}
