/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - which programs of a file are meant: -p PROG... */
#ifndef SELECT_H
#define SELECT_H

#include "cli.h"

#define SELECT_MAX 64

/**
 * struct selection - programs by name; none named: all
 * @check_only: those that no hook takes as well: they are not loaded
 * @optional: those of SEC("?...") as well, even if they are not named
 */
struct selection {
	bool check_only;
	bool optional;
	const char *names[SELECT_MAX];
	__u32 nr_names;
};

/** select_add - one more -p; 0 or an exit status */
int select_add(struct selection *sel, const char *name);

/** select_check - each name is in the file; 0 or an exit status after a message */
int select_check(const struct selection *sel, const struct kapsel_object *obj);

/** select_say_left_out - a program that no hook takes; a line, unless it is to be quiet */
void select_say_left_out(const char *name, const char *section);

/** select_has - whether a program is meant */
bool select_has(const struct selection *sel, const struct kapsel_prog *prog);

#endif
