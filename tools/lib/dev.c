// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - the device: open, objects, pins */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "internal.h"

static int cannot_open(const char *path, int code, struct kapsel_error *err)
{
	kl_errno(err, code, "cannot open %s", path);
	if (code == -ENOENT || code == -ENXIO || code == -ENODEV)
		return kl_hint(err, "is the module loaded? `insmod kapsel.ko`, and see `kapsel doctor`");
	if (code == -EACCES || code == -EPERM)
		return kl_hint(err, "kapsel needs root, or CAP_BPF, CAP_PERFMON and a readable %s; `kapsel verify` and `kapsel exec` need neither",
			       path);
	return code;
}

int kapsel_dev_open(struct kapsel_dev *dev, const char *path, struct kapsel_error *err)
{
	memset(dev, 0, sizeof(*dev));
	path = path ?: KAPSEL_DEVICE;
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		return cannot_open(path, -errno, err);
	if (ioctl(dev->fd, KAPSEL_GET_ABI, &dev->abi)) {
		kl_errno(err, -errno, "%s does not answer as kapsel does", path);
		kapsel_dev_close(dev);
		return -EPROTO;
	}
	if (dev->abi.abi == KAPSEL_ABI)
		return 0;
	kl_fail(err, -EPROTO, "the module speaks ABI %u, this kapsel ABI %u", dev->abi.abi,
		KAPSEL_ABI);
	kl_hint(err, "take module and command from the same build");
	kapsel_dev_close(dev);
	return -EPROTO;
}

void kapsel_dev_close(struct kapsel_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

static const char *kind_name(u32 kind)
{
	return kind == KAPSEL_OBJ_PROG ? "program" :
	       kind == KAPSEL_OBJ_MAP ? "map" : "link";
}

bool kapsel_next_id(const struct kapsel_dev *dev, u32 kind, u32 *id)
{
	struct kapsel_next_id arg = { .kind = kind, .id = *id };

	if (ioctl(dev->fd, KAPSEL_NEXT_ID, &arg))
		return false;
	*id = arg.id;
	return true;
}

int kapsel_fd_by_id(const struct kapsel_dev *dev, u32 kind, u32 id,
		    struct kapsel_error *err)
{
	struct kapsel_fd_by_id arg = { .kind = kind, .id = id };
	int fd = ioctl(dev->fd, KAPSEL_FD_BY_ID, &arg);

	return fd >= 0 ? fd : kl_errno(err, -errno, "%s %u", kind_name(kind), id);
}

int kapsel_obj_info(int fd, struct kapsel_obj_info *info, struct kapsel_error *err)
{
	if (ioctl(fd, KAPSEL_OBJ_INFO, info))
		return kl_errno(err, -errno, "cannot ask what fd %d is", fd);
	return 0;
}

u32 kapsel_wraps(const struct kapsel_dev *dev, struct kapsel_wrap_info *list, u32 room)
{
	struct kapsel_list arg = {
		.entries = (uintptr_t)list, .entry_size = sizeof(*list), .count = room,
	};

	if (ioctl(dev->fd, KAPSEL_LIST_WRAPS, &arg))
		return 0;
	return arg.count < room ? arg.count : room;
}

static int pin_call(const struct kapsel_dev *dev, unsigned long nr, int fd,
		    const char *name, const char *what, struct kapsel_error *err)
{
	struct kapsel_pin arg = { .fd = fd };
	int ret;

	if (strlen(name) >= sizeof(arg.name))
		return kl_fail(err, -ENAMETOOLONG, "'%s' is too long for a pin's name", name);
	strcpy(arg.name, name);
	ret = ioctl(dev->fd, nr, &arg);
	return ret >= 0 ? ret : kl_errno(err, -errno, "cannot %s '%s'", what, name);
}

int kapsel_pin_obj(const struct kapsel_dev *dev, int fd, const char *name,
		   struct kapsel_error *err)
{
	return pin_call(dev, KAPSEL_PIN, fd, name, "pin as", err);
}

int kapsel_unpin(const struct kapsel_dev *dev, const char *name, struct kapsel_error *err)
{
	return pin_call(dev, KAPSEL_UNPIN, 0, name, "unpin", err);
}

int kapsel_get_pinned(const struct kapsel_dev *dev, const char *name,
		      struct kapsel_error *err)
{
	return pin_call(dev, KAPSEL_GET_PINNED, 0, name, "open the pin", err);
}
