/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - do kprobes work? */
#ifndef KPS_CANARY_H
#define KPS_CANARY_H

#include <linux/types.h>

/** kps_kprobes_on - are kprobes armed, here and now? */
bool kps_kprobes_on(void);

int kps_canary_init(void);
void kps_canary_exit(void);

#endif
