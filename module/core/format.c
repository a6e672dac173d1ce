// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - formats: what trace_printk, trace_vprintk and snprintf print */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/format.h"

static const char flag_chars[] = "0+- ";

/* ------------------------------------------------------------------------
 * Understanding
 */

/**
 * struct parser - a format being read; it ends with a NUL, or with @end
 * @fmt: the format
 * @pos: the next character
 * @end: bytes before the NUL
 */
struct parser {
	const char *fmt;
	u32 pos;
	u32 end;
};

static char peek(const struct parser *p, u32 ahead)
{
	return p->pos + ahead < p->end ? p->fmt[p->pos + ahead] : '\0';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Printable, and no letter or digit. */
static bool is_punct(char c)
{
	return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
	       (c > 'z' && c <= '~');
}

static bool is_end(char c)
{
	return !c || is_space(c) || is_punct(c);
}

/* Control characters can't be printed; what is no ASCII may be a letter of UTF-8. */
static bool is_text(char c)
{
	return (unsigned char)c >= 0x80 || (c >= ' ' && c <= '~') || is_space(c);
}

static int parse_width(struct parser *p, struct kps_conversion *c)
{
	const char *flag;
	u32 width = 0;

	while (peek(p, 0) && (flag = strchr(flag_chars, peek(p, 0)))) {
		c->flags |= BIT(flag - flag_chars);
		p->pos++;
	}
	for (; peek(p, 0) >= '0' && peek(p, 0) <= '9'; p->pos++) {
		width = 10 * width + (peek(p, 0) - '0');
		if (width > KPS_FORMAT_WIDTH)
			return -EINVAL;
	}
	c->width = width;
	return 0;
}

static int parse_string(struct parser *p, struct kps_conversion *c, char letter)
{
	c->kind = KPS_CONVERT_STRING;
	c->letter = letter;
	p->pos++;
	return is_end(peek(p, 0)) ? 0 : -EINVAL;
}

static int parse_ip(struct parser *p, struct kps_conversion *c)
{
	char family = peek(p, 1);

	if (family != '4' && family != '6')
		return -EINVAL;
	c->kind = KPS_CONVERT_IP;
	c->letter = peek(p, 0);
	c->bytes = family == '4' ? 4 : 16;
	p->pos += 2;
	return 0;
}

/* @p: behind the p. Of the kernel's many kinds of pointers these are for programs. */
static int parse_kind(struct parser *p, struct kps_conversion *c)
{
	char letter = peek(p, 0);

	c->kind = KPS_CONVERT_POINTER;
	c->bytes = 8;
	if (is_end(letter))
		return 0;
	if ((letter == 'k' || letter == 'u') && peek(p, 1) == 's') {
		p->pos++;
		return parse_string(p, c, letter);
	}
	if (letter == 'i' || letter == 'I')
		return parse_ip(p, c);
	if (letter == 's' || letter == 'S')
		c->kind = KPS_CONVERT_SYMBOL;
	else if (letter == 'B')
		c->kind = KPS_CONVERT_CALLER;
	else if (letter != 'K' && letter != 'x')
		return -EINVAL;
	c->letter = letter;
	p->pos++;
	return 0;
}

static bool is_alnum(char c)
{
	return c && (unsigned char)c < 0x80 && !is_end(c);
}

/* The kernel's printf skips what may be a pointer's letters, whatever it makes of them. */
static int parse_pointer(struct parser *p, struct kps_conversion *c)
{
	int err = parse_kind(p, c);

	while (!err && is_alnum(peek(p, 0)))
		p->pos++;
	return err;
}

static int parse_number(struct parser *p, struct kps_conversion *c)
{
	u32 n;

	c->kind = KPS_CONVERT_NUMBER;
	c->bytes = peek(p, 0) == 'l' ? 8 : 4;
	for (n = 0; n < 2 && peek(p, 0) == 'l'; n++)
		p->pos++;
	c->letter = peek(p, 0);
	p->pos++;
	return c->letter && strchr("diuxX", c->letter) ? 0 : -EINVAL;
}

/* @p: behind the percent sign. */
static int parse_conversion(struct parser *p, struct kps_conversion *c)
{
	int err = parse_width(p, c);

	if (err)
		return err;
	switch (peek(p, 0)) {
	case 'p':
		p->pos++;
		return parse_pointer(p, c);
	case 's':
		return parse_string(p, c, 's');
	case 'c':
		c->kind = KPS_CONVERT_CHAR;
		p->pos++;
		return 0;
	}
	return parse_number(p, c);
}

static int parse_next(struct parser *p, struct kps_format *f, u32 nr_args)
{
	struct kps_conversion *c = &f->conv[f->nr];
	u32 at = p->pos++;
	int err;

	if (!is_text(p->fmt[at]))
		return -EINVAL;
	if (p->fmt[at] != '%')
		return 0;
	if (peek(p, 0) == '%') {
		p->pos++;
		return 0;
	}
	if (f->nr == min_t(u32, nr_args, KPS_FORMAT_ARGS))
		return -EINVAL;
	*c = (struct kps_conversion){ .at = at };
	err = parse_conversion(p, c);
	c->end = p->pos;
	f->nr++;
	return err;
}

int kps_format_parse(struct kps_format *f, const char *fmt, u32 size, u32 nr_args, u32 *bad)
{
	struct parser p = { .fmt = fmt, .end = strnlen(fmt, min_t(u32, size, KPS_MAX_STRING)) };
	int err = 0;

	f->nr = 0;
	f->used = 0;
	f->end = p.end;
	*bad = p.end;
	if (p.end == size || p.end == KPS_MAX_STRING)
		return -EINVAL;
	while (p.pos < p.end && !err) {
		*bad = p.pos;
		err = parse_next(&p, f, nr_args);
	}
	return err;
}

/* ------------------------------------------------------------------------
 * Fetching: all of it, before anything is printed
 */
static char *room_left(struct kps_format *f, u32 *left)
{
	*left = KPS_FORMAT_ROOM - f->used;
	return f->room + f->used;
}

static int fetch_string(struct kps_format *f, const struct kps_conversion *c, u64 arg,
			const struct kps_format_home *home)
{
	u32 left;
	char *to = room_left(f, &left);
	long len;

	if (!left)
		return -ENOSPC;
	len = home->string(to, left, arg, c->letter);
	if (len < 1)
		len = 1;
	to[len - 1] = '\0';
	f->used += len;
	return 0;
}

static int fetch_printed(struct kps_format *f, const char *spec, const void *value,
			 const struct kps_format_home *home)
{
	u32 left;
	char *to = room_left(f, &left);
	int len = home->print(to, left, spec, value);

	if (len < 0 || (u32)len >= left)
		return -ENOSPC;
	f->used += len + 1;
	return 0;
}

static int fetch_ip(struct kps_format *f, const struct kps_conversion *c, u64 arg,
		    const struct kps_format_home *home)
{
	const char spec[] = { '%', 'p', c->letter, c->bytes == 4 ? '4' : '6', '\0' };
	u8 ip[16] = {};

	if (KPS_FORMAT_ROOM - f->used < c->bytes)
		return -ENOSPC;
	home->bytes(ip, c->bytes, arg);
	return fetch_printed(f, spec, ip, home);
}

/* What is not fetched takes room, as it does in Linux, so that the same fits in. */
static int fetch_number(struct kps_format *f, u32 bytes)
{
	if (bytes > 1)
		f->used = ALIGN(f->used, 4);
	if (f->used + bytes > KPS_FORMAT_ROOM)
		return -ENOSPC;
	f->used += bytes;
	return 0;
}

static int fetch(struct kps_format *f, struct kps_conversion *c, u64 arg,
		 const struct kps_format_home *home)
{
	c->text = f->used;
	switch (c->kind) {
	case KPS_CONVERT_STRING:
		return fetch_string(f, c, arg, home);
	case KPS_CONVERT_IP:
		return fetch_ip(f, c, arg, home);
	case KPS_CONVERT_CALLER:
		return fetch_printed(f, "%pB", (void *)(unsigned long)arg, home);
	case KPS_CONVERT_CHAR:
		return fetch_number(f, 1);
	}
	return fetch_number(f, c->bytes);
}

int kps_format_fetch(struct kps_format *f, const u64 *args, const struct kps_format_home *home)
{
	u32 i;
	int err = 0;

	for (i = 0; i < f->nr && !err; i++)
		err = fetch(f, &f->conv[i], args[i], home);
	return err;
}

/* ------------------------------------------------------------------------
 * Printing
 */

/**
 * struct printer - a text being made
 * @buf: where to
 * @size: of @buf
 * @len: of the text, more than there is room for, maybe
 */
struct printer {
	char *buf;
	size_t size;
	size_t len;
};

static char *room_for(struct printer *out, size_t *left)
{
	*left = out->len < out->size ? out->size - out->len : 0;
	return *left ? out->buf + out->len : NULL;
}

/* The next percent sign of two is text. */
static void print_text(struct printer *out, const char *fmt, u32 from, u32 to)
{
	for (; from < to; from++) {
		if (out->len + 1 < out->size)
			out->buf[out->len] = fmt[from];
		out->len++;
		if (fmt[from] == '%')
			from++;
	}
}

#define SPEC_LEN	16	/* "%0+- 1023llX", "%0+- 1023px" */

/* Written anew from what was understood: the format may have changed. */
static void make_spec(const struct kps_conversion *c, const char *letters, char *spec)
{
	char *end = spec + SPEC_LEN;
	u32 i;

	*spec++ = '%';
	for (i = 0; flag_chars[i]; i++)
		if (c->flags & BIT(i))
			*spec++ = flag_chars[i];
	if (c->width)
		spec += scnprintf(spec, end - spec, "%u", c->width);
	scnprintf(spec, end - spec, "%s%c", letters, c->letter);
}

static u64 number_of(const struct kps_conversion *c, u64 arg)
{
	if (c->bytes == 8)
		return arg;
	return c->letter == 'd' || c->letter == 'i' ? (u64)(s32)arg : (u32)arg;
}

/* Those that are fetched first have no width, in Linux either; strings do. */
static int print_one(const struct kps_format *f, const struct kps_conversion *c, u64 arg,
		     const struct kps_format_home *home, char *to, size_t size)
{
	struct kps_conversion plain = *c;
	char spec[SPEC_LEN];

	switch (c->kind) {
	case KPS_CONVERT_NUMBER:
		make_spec(c, "ll", spec);
		return snprintf(to, size, spec, (long long)number_of(c, arg));
	case KPS_CONVERT_CHAR:
		plain.letter = 'c';
		make_spec(&plain, "", spec);
		return snprintf(to, size, spec, (int)(unsigned char)arg);
	case KPS_CONVERT_STRING:
		plain.letter = 's';
		make_spec(&plain, "", spec);
		return snprintf(to, size, spec, f->room + c->text);
	case KPS_CONVERT_IP:
	case KPS_CONVERT_CALLER:
		return snprintf(to, size, "%s", f->room + c->text);
	}
	make_spec(c, "p", spec);
	return home->print(to, size, spec, (void *)(unsigned long)arg);
}

u32 kps_format_print(const struct kps_format *f, const char *fmt, const u64 *args,
		     const struct kps_format_home *home, char *buf, size_t size)
{
	struct printer out = { .buf = buf, .size = size };
	u32 i, from = 0;
	size_t left;
	char *to;

	for (i = 0; i < f->nr; i++) {
		print_text(&out, fmt, from, f->conv[i].at);
		to = room_for(&out, &left);
		out.len += print_one(f, &f->conv[i], args[i], home, to, left);
		from = f->conv[i].end;
	}
	print_text(&out, fmt, from, f->end);
	if (size)
		buf[min(out.len, size - 1)] = '\0';
	return out.len;
}
