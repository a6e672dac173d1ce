/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - formats: what trace_printk, trace_vprintk and snprintf print */
#ifndef KPS_FORMAT_H
#define KPS_FORMAT_H

#include <linux/types.h>

#define KPS_MAX_STRING		4096	/* bytes of a constant string, with its NUL */
#define KPS_FORMAT_ARGS		12
#define KPS_FORMAT_ROOM		512	/* bytes that all arguments may take, as in Linux */
#define KPS_FORMAT_WIDTH	1023	/* widest field */

/** enum kps_conversion_kind - what a conversion makes of its argument */
enum kps_conversion_kind {
	KPS_CONVERT_NUMBER,	/* %d %i %u %x %X, with l or ll */
	KPS_CONVERT_CHAR,	/* %c */
	KPS_CONVERT_POINTER,	/* %p %pK %px: the address itself, or a hash of it */
	KPS_CONVERT_SYMBOL,	/* %ps %pS: the function around an address */
	KPS_CONVERT_CALLER,	/* %pB: the same of a return address */
	KPS_CONVERT_STRING,	/* %s %pks %pus: the string at an address */
	KPS_CONVERT_IP,		/* %pI4 %pi4 %pI6 %pi6: the IP address at an address */
};

/**
 * struct kps_conversion - a conversion of a format
 * @at: where its percent sign is
 * @end: where the text behind it begins
 * @kind: enum kps_conversion_kind
 * @letter: the last of the conversion's: d, i, u, x, X; K, x, s, S, or 0; where a
 *	string is: s, k, u; how an IP address is written: I, i
 * @bytes: of the argument, or of the IP address: 4, 8, 16
 * @flags: bit n: the nth of "0+- "
 * @width: of the field, at least; 0: not given
 * @text: where in the room its text is, if it is fetched before it is printed
 */
struct kps_conversion {
	u16 at;
	u16 end;
	u8 kind;
	char letter;
	u8 bytes;
	u8 flags;
	u16 width;
	u16 text;
};

/**
 * struct kps_format - a format that was understood, and what its arguments became
 * @nr: conversions
 * @end: bytes of the format, without its NUL
 * @used: of @room
 * @conv: conversions
 * @room: texts that were fetched, terminated
 */
struct kps_format {
	u32 nr;
	u32 end;
	u32 used;
	struct kps_conversion conv[KPS_FORMAT_ARGS];
	char room[KPS_FORMAT_ROOM];
};

/**
 * struct kps_format_home - what differs between kernel and userspace
 * @string: copy a string to @to, cut to @size bytes; the length with NUL, or -errno
 * @bytes: copy memory; zeroes what can't be read
 * @print: snprintf() of one pointer, by the kernel's rules: %p, %px, %ps, %pI4 and so on;
 *	the last of an address in memory
 */
struct kps_format_home {
	long (*string)(char *to, u32 size, u64 addr, char letter);
	void (*bytes)(void *to, u32 size, u64 addr);
	int (*print)(char *to, size_t size, const char *spec, const void *value);
};

/** kps_reads_memory - a conversion that not everybody may use */
static inline bool kps_reads_memory(const struct kps_conversion *c)
{
	return c->kind >= KPS_CONVERT_SYMBOL;
}

/**
 * kps_format_parse - understand a format
 * @f: out
 * @fmt: the format, of @size bytes; it may change meanwhile
 * @nr_args: at most so many conversions
 * @bad: out: where it is wrong
 *
 * The rules are those of Linux 6.1, but for a width over KPS_FORMAT_WIDTH and a length
 * of KPS_MAX_STRING.
 *
 * Return: 0 or -EINVAL.
 */
int kps_format_parse(struct kps_format *f, const char *fmt, u32 size, u32 nr_args, u32 *bad);

/**
 * kps_format_fetch - get what arguments point to
 *
 * Return: 0, or -ENOSPC: it is more than KPS_FORMAT_ROOM bytes.
 */
int kps_format_fetch(struct kps_format *f, const u64 *args, const struct kps_format_home *home);

/**
 * kps_format_print - print
 * @f: parsed, and its arguments fetched
 * @fmt: the format
 * @args: one for each conversion at least
 * @home: kernel or userspace
 * @buf: where to, terminated unless @size is 0
 * @size: of @buf
 *
 * Return: the length of the whole text, cut or not.
 */
u32 kps_format_print(const struct kps_format *f, const char *fmt, const u64 *args,
		     const struct kps_format_home *home, char *buf, size_t size);

#endif
