/* SPDX-License-Identifier: GPL-2.0-only */
/* The module itself: in and out */
#ifndef KM_MODULE_H
#define KM_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>

#include <linux/kapsel.h>

#define KM_MODULE	"/opt/kapsel/kapsel.ko"

static inline int km_insmod_fd(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
}

static inline int km_insmod(void)
{
	int fd = open(KM_MODULE, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = km_insmod_fd(fd);
	close(fd);
	return err;
}

/* -EWOULDBLOCK: somebody uses it. */
static inline int km_rmmod(void)
{
	return syscall(SYS_delete_module, "kapsel", O_NONBLOCK) ? -errno : 0;
}

#endif
