// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - models of the helpers that print and compare, for offline runs: of
 * memory the program's own can be read, and no kernel's symbol has an address
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/uio.h>

#include <linux/kernel.h>

#include "core/format.h"
#include "sim.h"

/* Any address may be asked for, so the kernel is to look whether it is one. */
static ssize_t read_here(void *to, size_t size, u64 addr)
{
	struct iovec local = { to, size }, remote = { PTR(addr), size };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

/* Byte by byte: what lies behind the string is not the program's to read. */
static long read_string(char *to, u32 size, u64 addr, char letter)
{
	u32 n;

	(void)letter;
	for (n = 0; n < size; n++) {
		if (read_here(&to[n], 1, addr + n) != 1)
			return -EFAULT;
		if (!to[n])
			return n + 1;
	}
	to[size - 1] = '\0';
	return size;
}

static void read_bytes(void *to, u32 size, u64 addr)
{
	if (read_here(to, size, addr) != (ssize_t)size)
		memset(to, 0, size);
}

/* An address has 16 digits, unless a width is given. */
static int print_address(char *to, size_t size, const char *spec, u64 value)
{
	const char *p = strchr(spec, 'p');
	char own[32];

	snprintf(own, sizeof(own), "%.*s%sllx", (int)(p - spec), spec,
		 p - spec == 1 ? "016" : "");
	return snprintf(to, size, own, (long long)value);
}

static int print_ip4(char *to, size_t size, const char *spec, const u8 *ip)
{
	return snprintf(to, size, spec[2] == 'I' ? "%u.%u.%u.%u" : "%03u.%03u.%03u.%03u",
			ip[0], ip[1], ip[2], ip[3]);
}

static int print_ip6(char *to, size_t size, const char *spec, const u8 *ip)
{
	char text[40];
	int len = 0, i;

	for (i = 0; i < 16; i += 2)
		len += snprintf(text + len, sizeof(text) - len, "%s%02x%02x",
				i && spec[2] == 'I' ? ":" : "", ip[i], ip[i + 1]);
	return snprintf(to, size, "%s", text);
}

static int print_pointer(char *to, size_t size, const char *spec, const void *value)
{
	char last = spec[strlen(spec) - 1];

	if (last == '4')
		return print_ip4(to, size, spec, value);
	if (last == '6')
		return print_ip6(to, size, spec, value);
	if (last == 's' || last == 'S' || last == 'B')
		return snprintf(to, size, "%#lx", (unsigned long)value);
	return print_address(to, size, spec, (uintptr_t)value);
}

static const struct kps_format_home home = {
	.string = read_string,
	.bytes = read_bytes,
	.print = print_pointer,
};

/* As in the kernel, only kprobe programs read memory by a format. */
static bool may_print(const struct kps_format *format)
{
	u32 i;

	for (i = 0; i < format->nr; i++)
		if (kps_reads_memory(&format->conv[i]))
			return kl_sim_now->prog_type == KAPSEL_PROG_KPROBE;
	return true;
}

static long print(char *buf, size_t size, const char *text, u32 text_size, const u64 *args,
		  u32 nr_args)
{
	struct kps_format format;
	u32 bad;
	int err = kps_format_parse(&format, text, text_size, nr_args, &bad);

	if (!err && !may_print(&format))
		err = -EPERM;
	err = err ?: kps_format_fetch(&format, args, &home);
	return err ?: (long)kps_format_print(&format, text, args, &home, buf, size);
}

static long copy_args(u64 *args, u64 from, u64 size)
{
	if (size % sizeof(*args) || size > KPS_FORMAT_ARGS * sizeof(*args))
		return -EINVAL;
	if (size)
		memcpy(args, PTR(from), size);
	return size / sizeof(*args);
}

static long print_line(u64 text, u32 text_size, const u64 *args, u32 nr_args)
{
	char line[1024];
	long len = print(line, sizeof(line), PTR(text), text_size, args, nr_args);
	FILE *out = kl_sim_now->trace;

	if (len >= 0 && out)
		fprintf(out, "%s%s", line, len && line[strlen(line) - 1] == '\n' ? "" : "\n");
	return len;
}

MODEL(trace_printk)
{
	const u64 args[] = { r3, r4, r5 };

	return print_line(r1, r2, args, ARRAY_SIZE(args));
}

MODEL(trace_vprintk)
{
	u64 args[KPS_FORMAT_ARGS];
	long nr = copy_args(args, r3, r4);

	UNUSED5;
	return nr < 0 ? nr : print_line(r1, r2, args, nr);
}

MODEL(snprintf)
{
	u64 args[KPS_FORMAT_ARGS];
	long nr = copy_args(args, r4, r5), len;

	if (nr < 0)
		return nr;
	len = print(PTR(r1), r2, PTR(r3), KPS_MAX_STRING, args, nr);
	return len < 0 ? len : len + 1;
}

/* The kernel's says only which is less. */
MODEL(strncmp)
{
	int less = strncmp(PTR(r1), PTR(r3), r2);

	UNUSED5;
	return (s64)((less > 0) - (less < 0));
}
