// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - machine code of a compiled program */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

static int ask(int fd, struct kapsel_prog_image *arg, struct kapsel_error *err)
{
	if (!ioctl(fd, KAPSEL_PROG_IMAGE, arg))
		return 0;
	if (errno == EOPNOTSUPP)
		return kl_fail(err, -EOPNOTSUPP, "the program is interpreted: there is no machine code of it");
	kl_errno(err, -errno, "cannot read the program's machine code");
	if (err && err->err == -EPERM)
		snprintf(err->hint, sizeof(err->hint),
			 "it has kernel addresses in it: that takes CAP_BPF and CAP_SYSLOG, and kernel.kptr_restrict below 2");
	return err ? err->err : -EPERM;
}

static int make_room(struct kapsel_image *image, const struct kapsel_prog_image *arg,
		     struct kapsel_error *err)
{
	image->code = calloc(arg->code_size + 1, 1);
	image->funcs = calloc(arg->func_cnt + 1, sizeof(*image->funcs));
	image->insns = calloc(arg->insn_cnt + 1, sizeof(*image->insns));
	return image->code && image->funcs && image->insns ? 0 : kl_nomem(err);
}

/* A program never changes, so neither do the sizes between the calls. */
int kapsel_prog_image(int fd, struct kapsel_image *image, struct kapsel_error *err)
{
	struct kapsel_prog_image arg = {};
	int ret;

	memset(image, 0, sizeof(*image));
	ret = ask(fd, &arg, err) ?: make_room(image, &arg, err);
	if (!ret) {
		arg.code = (uintptr_t)image->code;
		arg.funcs = (uintptr_t)image->funcs;
		arg.insns = (uintptr_t)image->insns;
		ret = ask(fd, &arg, err);
	}
	if (ret) {
		kapsel_image_free(image);
		return ret;
	}
	image->code_size = arg.code_size;
	image->func_cnt = arg.func_cnt;
	image->insn_cnt = arg.insn_cnt;
	return 0;
}

void kapsel_image_free(struct kapsel_image *image)
{
	free(image->code);
	free(image->funcs);
	free(image->insns);
	memset(image, 0, sizeof(*image));
}
