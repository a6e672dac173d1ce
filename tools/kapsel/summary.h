/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - what a run amounted to: counters, small maps */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "session.h"

/** summary_print - counters of each link, contents of small maps; @ns: how long it ran */
void summary_print(const struct session *s, __u64 ns);

#endif
