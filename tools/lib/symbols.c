// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - functions of the running kernel, by name */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "internal.h"

/** struct found - names so far, nearest first */
struct found {
	char (*names)[KAPSEL_TARGET_LEN];
	u32 room;
	u32 count;
	u32 far[16];
};

static u32 distance(const char *wanted, const char *name)
{
	size_t len = strlen(wanted);

	/* One is the beginning of the other: do_sys_open, do_sys_openat2. */
	if (!strncmp(wanted, name, len))
		return 1 + (strlen(name) - len > 16);
	if (len > 6 && strstr(name, wanted))
		return 3;
	return 2 * kapsel_edits(wanted, name);
}

static bool known(const struct found *found, const char *name)
{
	u32 i;

	for (i = 0; i < found->count; i++)
		if (!strcmp(found->names[i], name))
			return true;
	return false;
}

static void consider(struct found *found, const char *name, u32 far)
{
	u32 at = found->count;

	if (far > 8 || known(found, name))
		return;
	while (at && found->far[at - 1] > far)
		at--;
	if (at == found->room)
		return;
	if (found->count < found->room)
		found->count++;
	memmove(&found->names[at + 1], &found->names[at],
		(found->count - at - 1) * sizeof(*found->names));
	memmove(&found->far[at + 1], &found->far[at],
		(found->count - at - 1) * sizeof(*found->far));
	snprintf(found->names[at], KAPSEL_TARGET_LEN, "%s", name);
	found->far[at] = far;
}

u32 kapsel_symbols_like(const char *wanted, char (*names)[KAPSEL_TARGET_LEN], u32 room)
{
	struct found found = {
		.names = names, .room = min_t(u32, room, ARRAY_SIZE(found.far)),
	};
	char line[600], name[512], type;
	FILE *file = fopen("/proc/kallsyms", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*x %c %511s", &type, name) == 2 && (type | 32) == 't' &&
		    strlen(name) < KAPSEL_TARGET_LEN)
			consider(&found, name, distance(wanted, name));
	fclose(file);
	return found.count;
}
