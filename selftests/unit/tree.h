/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the tree that a test was built in */
#ifndef TREE_H
#define TREE_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** tree_path - where @name of the tree is; returns @buf. Tests run in build/asan/selftests/unit */
static inline const char *tree_path(const char *name, char buf[static PATH_MAX])
{
	char self[PATH_MAX / 2] = "";
	int up = 5;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return name;
	while (up-- && strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	snprintf(buf, PATH_MAX, "%s/%s", self, name);
	return buf;
}

/** tree_read - a file of the tree as a string to be freed, or NULL */
static inline char *tree_read(const char *name)
{
	char path[PATH_MAX], *text = NULL;
	FILE *file = fopen(tree_path(name, path), "re");
	size_t room = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &room, EOF, file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

#endif
