/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - callbacks of compiled programs: bpf_loop() and bpf_for_each_map_elem() */
#ifndef KPS_CALLBACKS_H
#define KPS_CALLBACKS_H

#include <linux/types.h>

/*
 * Compiled code calls these; the callback is compiled code, too. See struct
 * kps_lower_target for the counter, which only metered programs have.
 */
u64 kps_run_loop(u64 rounds, u64 callback, u64 ctx, u64 flags, u64 unused);
u64 kps_run_metered_loop(u64 rounds, u64 callback, u64 ctx, u64 flags, u64 counter);
u64 kps_run_each(u64 map, u64 callback, u64 ctx, u64 flags, u64 unused);
u64 kps_run_drain(u64 map, u64 callback, u64 ctx, u64 flags, u64 unused);
u64 kps_run_metered_each(u64 map, u64 callback, u64 ctx, u64 flags, u64 counter);

#endif
