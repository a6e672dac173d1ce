// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - errors, growing arrays, similar words */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "internal.h"

void kl_make_plain(char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (((unsigned char)text[i] < ' ' && text[i] && text[i] != '\t') ||
		    text[i] == 0x7f)
			text[i] = ' ';
}

static void set_text(struct kapsel_error *err, int code, const char *fmt,
		     va_list args)
{
	err->err = code;
	err->code = 0;
	err->hint[0] = '\0';
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	kl_make_plain(err->text, strlen(err->text));
}

int kl_fail(struct kapsel_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	set_text(err, code, fmt, args);
	va_end(args);
	return code;
}

int kl_errno(struct kapsel_error *err, int code, const char *fmt, ...)
{
	char name[80];
	size_t len;
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	set_text(err, code, fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		 kapsel_errno_name(code, name, sizeof(name)));
	return code;
}

int kl_hint(struct kapsel_error *err, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	kl_make_plain(err->hint, strlen(err->hint));
	va_end(args);
	return err->err;
}

int kl_nomem(struct kapsel_error *err)
{
	return kl_fail(err, -ENOMEM, "out of memory");
}

const char *kapsel_errno_name(int err, char *buf, size_t size)
{
	const char *name = strerrorname_np(abs(err));

	if (name)
		snprintf(buf, size, "%s (%s)", name, strerrordesc_np(abs(err)));
	else
		snprintf(buf, size, "error %d", abs(err));
	return buf;
}

void *kl_grow(void *array, u32 count, size_t size)
{
	void **pos = array;
	char *mem = *pos;

	if (!mem || (count & (count - 1)) == 0) {
		size_t room = count ? (size_t)count * 2 : 1;

		mem = realloc(mem, room * size);
		if (!mem)
			return NULL;
		*pos = mem;
	}
	return memset(mem + count * size, 0, size);
}

u32 kapsel_edits(const char *a, const char *b)
{
	u32 row[65], i, j, len = strlen(b);

	if (strlen(a) > 64 || len > 64)
		return 64;
	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		u32 diagonal = row[0];

		row[0] = i + 1;
		for (j = 0; j < len; j++) {
			u32 best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			best = min(best, min(row[j], diagonal) + 1);
			row[j + 1] = best;
		}
	}
	return row[len];
}
