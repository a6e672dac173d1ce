/* SPDX-License-Identifier: GPL-2.0-only */
/* The bench's parts */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <sys/ioctl.h>

#include "floor.h"

extern int bench_floor;		/* FLOOR_DEVICE */
extern int bench_dev;		/* /dev/kapsel */

/** bench_least - the least of some figures, over nothing */
double bench_least(double (*measure)(void));

/** bench_events - an event at each kind of hook */
void bench_events(void);
/** bench_computing - compute kernels, maps and ring buffers, of an object file */
void bench_computing(const char *object);

#endif
