/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - machine code of compiled programs, for those who may see it */
#ifndef KPS_IMAGE_H
#define KPS_IMAGE_H

struct kps_call;

/* ioctl */
int kps_prog_image(struct kps_call *call);

#endif
