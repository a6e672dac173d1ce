/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the device, and the way of every ioctl */
#ifndef KPS_DEVICE_H
#define KPS_DEVICE_H

#include <linux/types.h>

struct file;
struct kps_object;

/**
 * struct kps_call - an ioctl on its way
 * @obj: the object whose fd it came by; NULL: the device
 * @mode: for what that fd is open: FMODE_READ, FMODE_WRITE
 * @arg: the ioctl's struct, copied in; copied out after the handler, also when
 *	the handler failed
 * @file: the handler's new file, or NULL; installed at the very end
 * @fd: reserved for it
 */
struct kps_call {
	struct kps_object *obj;
	fmode_t mode;
	void *arg;
	struct file *file;
	int fd;
};

/** kps_object_ioctl - file_operations.unlocked_ioctl of objects */
long kps_object_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

int kps_device_init(void);
void kps_device_exit(void);

#endif
