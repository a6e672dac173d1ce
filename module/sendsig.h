/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - signals that programs send */
#ifndef KPS_SENDSIG_H
#define KPS_SENDSIG_H

#include <linux/types.h>

/**
 * kps_signal_send - send a signal to the current process, or thread; any context
 * @sig: which
 * @thread: to this thread, and no other of the process
 *
 * Return: 0; -EPERM: a kernel thread, init, or one that exits; -EINVAL: no such signal;
 * -EBUSY: the one before it on this CPU is not sent yet.
 */
long kps_signal_send(u32 sig, bool thread);

int kps_signal_init(void);
void kps_signal_exit(void);

#endif
