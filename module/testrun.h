/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - running a program on given input */
#ifndef KPS_TESTRUN_H
#define KPS_TESTRUN_H

struct kps_call;

/* ioctl */
int kps_prog_test_run(struct kps_call *call);

#endif
