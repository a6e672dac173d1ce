// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers that print, and that compare strings */

#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "helpers.h"
#include "log.h"
#include "probe.h"
#include "prog.h"
#include "run.h"
#include "core/format.h"

static long read_string(char *to, u32 size, u64 addr, char letter)
{
	switch (letter) {
	case 'k':
		return kps_read_string(to, size, addr, kps_read_kernel);
	case 'u':
		return kps_read_string(to, size, addr, kps_read_user);
	}
	return kps_read_string(to, size, addr, kps_read_any);
}

static void read_bytes(void *to, u32 size, u64 addr)
{
	if (kps_read_kernel(to, addr, size))
		memset(to, 0, size);
}

static int print_pointer(char *to, size_t size, const char *spec, const void *value)
{
	return snprintf(to, size, spec, value);
}

static const struct kps_format_home home = {
	.string = read_string,
	.bytes = read_bytes,
	.print = print_pointer,
};

static bool reads_memory(const struct kps_format *format)
{
	u32 i;

	for (i = 0; i < format->nr; i++)
		if (kps_reads_memory(&format->conv[i]))
			return true;
	return false;
}

/* Return: the length of the whole text, or -errno with nothing printed. */
static long print(struct kps_exec *exec, char *buf, size_t size, const char *text,
		  u32 text_size, const u64 *args, u32 nr_args)
{
	struct kps_format *format = &exec->format;
	u32 bad;
	int err = kps_format_parse(format, text, text_size, nr_args, &bad);

	if (!err && !exec->prog->kernel_read && reads_memory(format))
		err = -EPERM;
	if (!err)
		err = kps_format_fetch(format, args, &home);
	return err ?: (long)kps_format_print(format, text, args, &home, buf, size);
}

/* An array of a program's may be anywhere, and may be changed meanwhile. */
static long copy_args(u64 *args, u64 from, u64 size)
{
	if (size % sizeof(*args) || size > KPS_FORMAT_ARGS * sizeof(*args))
		return -EINVAL;
	memcpy(args, (void *)(unsigned long)from, size);
	return size / sizeof(*args);
}

static int put_prefix(char *line, size_t size)
{
	u64 usec = ktime_get_mono_fast_ns() / NSEC_PER_USEC;

	return scnprintf(line, size, "%llu.%06llu %d %d %s: ",
			 usec / USEC_PER_SEC, usec % USEC_PER_SEC,
			 raw_smp_processor_id(), current->pid, current->comm);
}

static long log_line(u64 text, u32 text_size, const u64 *args, u32 nr_args)
{
	struct kps_exec *exec = kps_run_current();
	u32 prefix, room, end;
	long len;

	if (WARN_ON_ONCE(!exec->prog->log))
		return -EINVAL;
	prefix = put_prefix(exec->line, sizeof(exec->line));
	/* Leaves room for the newline that the format may lack. */
	room = sizeof(exec->line) - prefix - 1;
	len = print(exec, exec->line + prefix, room, (void *)(unsigned long)text, text_size,
		    args, nr_args);
	if (len < 0)
		return len;
	end = prefix + min_t(u32, len, room - 1);
	if (end == prefix || exec->line[end - 1] != '\n')
		exec->line[end++] = '\n';
	kps_log_line(exec->prog->log, exec->line, end);
	return len;
}

u64 kps_h_trace_printk(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const u64 args[] = { r3, r4, r5 };

	return log_line(r1, r2, args, ARRAY_SIZE(args));
}

u64 kps_h_trace_vprintk(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	u64 args[KPS_FORMAT_ARGS];
	long nr = copy_args(args, r3, r4);

	return nr < 0 ? nr : log_line(r1, r2, args, nr);
}

u64 kps_h_snprintf(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	u64 args[KPS_FORMAT_ARGS];
	long nr = copy_args(args, r4, r5), len;

	if (nr < 0)
		return nr;
	len = print(kps_run_current(), (void *)(unsigned long)r1, r2,
		    (void *)(unsigned long)r3, KPS_MAX_STRING, args, nr);
	return len < 0 ? len : len + 1;
}

u64 kps_h_strncmp(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return strncmp((void *)(unsigned long)r1, (void *)(unsigned long)r3, r2);
}
