// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - trace_printk's formatting */

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "log.h"
#include "probe.h"

#define NR_ARGS		3
#define MAX_STRING	128

/**
 * struct format - formatting in progress
 * @buf: where the text goes
 * @size: of @buf
 * @len: of the text so far, without its NUL
 * @args: of the format
 * @next: the next of them
 * @kernel_read: memory may be read
 */
struct format {
	char *buf;
	size_t size;
	size_t len;
	const u64 *args;
	u32 next;
	bool kernel_read;
};

static void put_char(struct format *f, char c)
{
	if (f->len + 1 < f->size)
		f->buf[f->len++] = c;
}

static int take_arg(struct format *f, u64 *arg)
{
	if (f->next == NR_ARGS)
		return -EINVAL;
	*arg = f->args[f->next++];
	return 0;
}

/* Reads in place; what does not fit in is cut, what can't be read is empty. */
static int put_string(struct format *f, u64 addr, kps_read_fn read)
{
	size_t room = min_t(size_t, f->size - f->len, MAX_STRING);
	long len;

	if (!f->kernel_read)
		return -EINVAL;
	len = kps_read_string(f->buf + f->len, room, addr, read);
	if (len > 0)
		f->len += len - 1;
	return 0;
}

static int put_pointer(struct format *f, const char **at)
{
	const char *p = *at;
	u64 arg;

	if (take_arg(f, &arg))
		return -EINVAL;
	if ((p[0] == 'k' || p[0] == 'u') && p[1] == 's') {
		*at += 2;
		return put_string(f, arg, p[0] == 'k' ? kps_read_kernel :
							kps_read_user);
	}
	/* %p hashes; its many extensions are not for programs. */
	if (isalnum(p[0]))
		return -EINVAL;
	f->len += scnprintf(f->buf + f->len, f->size - f->len, "%p",
			    (void *)(unsigned long)arg);
	return 0;
}

static int put_number(struct format *f, char conversion, int longs)
{
	char spec[] = { '%', 'l', 'l', conversion, '\0' };
	bool is_signed = conversion == 'd' || conversion == 'i';
	u64 arg;

	if (take_arg(f, &arg))
		return -EINVAL;
	if (!longs)
		arg = is_signed ? (u64)(s32)arg : (u32)arg;
	f->len += scnprintf(f->buf + f->len, f->size - f->len, spec, arg);
	return 0;
}

/* @at: after the percent sign; moves past the conversion. */
static int put_conversion(struct format *f, const char **at)
{
	const char *p = *at;
	int longs = 0;
	u64 arg;

	while (*p == 'l' && longs < 2) {
		p++;
		longs++;
	}
	*at = p + 1;
	switch (*p) {
	case '%':
		put_char(f, '%');
		return longs ? -EINVAL : 0;
	case 'd': case 'i': case 'u': case 'x': case 'X':
		return put_number(f, *p, longs);
	}
	if (longs)
		return -EINVAL;
	switch (*p) {
	case 'c':
		if (take_arg(f, &arg))
			return -EINVAL;
		put_char(f, arg);
		return 0;
	case 's':
		return take_arg(f, &arg) ?: put_string(f, arg, kps_read_any);
	case 'p':
		return put_pointer(f, at);
	}
	return -EINVAL;
}

int kps_format(char *buf, size_t size, const char *fmt, u32 fmt_size,
	       const u64 *args, bool kernel_read)
{
	struct format f = {
		.buf = buf, .size = size, .args = args, .kernel_read = kernel_read,
	};
	int err = 0;

	if (!size || !fmt_size || fmt[fmt_size - 1])
		return -EINVAL;
	while (*fmt && !err) {
		if (*fmt != '%') {
			put_char(&f, *fmt++);
			continue;
		}
		fmt++;
		err = put_conversion(&f, &fmt);
	}
	buf[f.len] = '\0';
	return err ?: f.len;
}
