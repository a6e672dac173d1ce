/* SPDX-License-Identifier: GPL-2.0-only */
/* Who reads perf events while programs are timed, so that there is always room */
#ifndef BENCH_READERS_H
#define BENCH_READERS_H

#include <stdbool.h>

struct kapsel_dev;
struct kapsel_map;

/** read_kapsel - a reader of kapsel's; false, and a message: there can't be one */
bool read_kapsel(const struct kapsel_dev *dev, const struct kapsel_map *map);
/** read_linux - the same of the kernel's own */
bool read_linux(int map);

/** readers_drain - all of them read what is there */
void readers_drain(void);

#endif
