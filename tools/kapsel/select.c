// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - which programs of a file are meant: -p PROG... */

#include <errno.h>
#include <string.h>

#include "select.h"

int select_add(struct selection *sel, const char *name)
{
	if (sel->nr_names == SELECT_MAX)
		return cli_usage("more than %d programs named", SELECT_MAX);
	sel->names[sel->nr_names++] = name;
	return 0;
}

static int left_out(const struct kapsel_object *obj, const char *name, const char *section)
{
	struct kapsel_error err = { .err = -EOPNOTSUPP };

	snprintf(err.text, sizeof(err.text),
		 "%s: program '%s': SEC(\"%s\"): kapsel has no such hook",
		 kapsel_object_name(obj), name, section);
	return cli_fail(&err, CLI_FAILED);
}

static int no_program(const struct kapsel_object *obj, const char *name)
{
	const char *names[SELECT_MAX + 1];
	struct kapsel_error err = { .err = -2 };
	__u32 i, count = kapsel_nr_progs(obj);
	char hint[100];

	for (i = 0; kapsel_left_out_at(obj, i); i++)
		if (!strcmp(kapsel_left_out_at(obj, i)->name, name))
			return left_out(obj, name, kapsel_left_out_at(obj, i)->section);
	for (i = 0; i < count && i < SELECT_MAX; i++)
		names[i] = kapsel_prog_at(obj, i)->name;
	names[i] = NULL;
	snprintf(err.text, sizeof(err.text), "%s has no program '%s'%s",
		 kapsel_object_name(obj), name,
		 cli_suggest(name, names, hint, sizeof(hint)));
	return cli_fail(&err, CLI_FAILED);
}

int select_check(const struct selection *sel, const struct kapsel_object *obj)
{
	__u32 i;

	for (i = 0; i < sel->nr_names; i++) {
		const struct kapsel_prog *prog = kapsel_prog_find(obj, sel->names[i]);

		if (!prog)
			return no_program(obj, sel->names[i]);
		if (prog->hook.check_only && !sel->check_only)
			return left_out(obj, prog->name, prog->section);
	}
	return 0;
}

void select_say_left_out(const char *name, const char *section)
{
	cli_say("left out  %s  SEC(\"%s\"): kapsel has no such hook\n", name, section);
}

bool select_has(const struct selection *sel, const struct kapsel_prog *prog)
{
	__u32 i;

	if (prog->hook.check_only && !sel->check_only)
		return false;
	for (i = 0; i < sel->nr_names; i++)
		if (!strcmp(sel->names[i], prog->name))
			return true;
	return !sel->nr_names && (sel->optional || !prog->optional);
}
