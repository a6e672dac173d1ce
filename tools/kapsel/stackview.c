// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - stacks of calls shown */

#include <string.h>

#include "stackview.h"

/* Read when they are first asked for, and kept until the end. */
static const struct kapsel_ksyms *symbols(void)
{
	static struct kapsel_ksyms *syms;
	static bool asked;

	if (!asked)
		syms = kapsel_ksyms_read(NULL);
	asked = true;
	return syms;
}

const char *stackview_address(__u64 addr, char *buf, size_t size)
{
	const char *name = NULL;
	__u64 off;

	if ((__s64)addr < 0 && symbols())
		name = kapsel_ksyms_find(symbols(), addr, &off);
	if (name && !off)
		snprintf(buf, size, "%s", name);
	else if (name)
		snprintf(buf, size, "%s+%#llx", name, (unsigned long long)off);
	else
		snprintf(buf, size, "%#llx", (unsigned long long)addr);
	return buf;
}

/* What is behind the stack's last is zero. */
static bool next_address(const void *value, size_t size, size_t at, __u64 *addr)
{
	if (at + sizeof(*addr) > size)
		return false;
	memcpy(addr, (const char *)value + at, sizeof(*addr));
	return *addr;
}

void stackview_text(FILE *to, const void *value, size_t size)
{
	char buf[KAPSEL_TARGET_LEN + 100];
	__u64 addr;
	size_t at;

	for (at = 0; next_address(value, size, at, &addr); at += sizeof(addr))
		fprintf(to, "%s%s", at ? " <- " : "",
			stackview_address(addr, buf, sizeof(buf)));
}

void stackview_json(struct kapsel_json *js, const void *value, size_t size)
{
	char buf[KAPSEL_TARGET_LEN + 100];
	__u64 addr;
	size_t at;

	kapsel_json_open(js, "value", '[');
	for (at = 0; next_address(value, size, at, &addr); at += sizeof(addr))
		kapsel_json_str(js, NULL, stackview_address(addr, buf, sizeof(buf)));
	kapsel_json_close(js, ']');
}
