/* SPDX-License-Identifier: GPL-2.0-only */
/* The bench's parts */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include "floor.h"

extern int bench_floor;		/* FLOOR_DEVICE */
extern int bench_dev;		/* /dev/kapsel */

/** bench_least - the least of some figures, over nothing */
double bench_least(double (*measure)(void));

/** bench_object - write the path of the bench's object file @name into @path */
void bench_object(const char *name, char path[PATH_MAX]);

/** bench_events - an event at each kind of hook */
void bench_events(void);
/** bench_computing - compute kernels, maps and ring buffers */
void bench_computing(void);

/** looking_kapsel - load what looks at packets; returns the program's fd, or -errno */
int looking_kapsel(__u32 engine);
/** looking_linux - the same for BPF_PROG_TYPE_NETFILTER */
int looking_linux(void);
/** looking_seen - packets that the one loaded last has counted */
__u64 looking_seen(bool in_linux);

#endif
