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

/* As soon as nobody uses it any more, if that is within a while. */
static inline int km_unload(void)
{
	int err = -EWOULDBLOCK;

	for (int i = 0; i < 5000 && err == -EWOULDBLOCK; i++) {
		err = km_rmmod();
		if (err)
			usleep(1000);
	}
	return err;
}

#endif
