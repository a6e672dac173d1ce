// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - machine code of compiled programs, for those who may see it */

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "device.h"
#include "image.h"
#include "prog.h"
#include "core/insn.h"

/**
 * struct image - an image on its way to the caller
 * @prog: the program
 * @arg: the ioctl's struct, with the room that the caller has
 * @size: bytes so far
 * @nr_funcs: functions so far
 * @nr_insns: instructions so far
 */
struct image {
	const struct kps_prog *prog;
	const struct kapsel_prog_image *arg;
	u32 size;
	u32 nr_funcs;
	u32 nr_insns;
};

/*
 * Addresses of functions, maps and the image itself are in the code. Who may see such
 * is told by kernel.kptr_restrict, which modules can't read, but which shows in what
 * becomes of a pointer that is printed: zeroes, if it is hidden from the caller.
 */
static bool may_see_addresses(void)
{
	char text[2 * sizeof(void *) + 1];

	scnprintf(text, sizeof(text), "%pK", text);
	return capable(CAP_SYSLOG) && text[strspn(text, "0")];
}

static int put(u64 to, u32 at, u32 room, const void *from, u32 n, u32 size)
{
	if (!to || at >= room)
		return 0;
	n = min(n, room - at);
	if (copy_to_user(u64_to_user_ptr(to + (u64)at * size), from, (u64)n * size))
		return -EFAULT;
	return 0;
}

static int put_insn(struct image *image, u32 slot, u32 off)
{
	const struct kapsel_prog_image *arg = image->arg;
	const struct kapsel_image_insn insn = { .insn = slot, .off = image->size + off };

	return put(arg->insns, image->nr_insns++, arg->insn_cnt, &insn, 1, sizeof(insn));
}

/* @slot: of the function's first instruction; out: of what follows the function. */
static int put_insns(struct image *image, const struct kps_jit_func *func, u32 *slot)
{
	const struct bpf_insn *insns = image->prog->insns;
	int err = 0;
	u32 i, next;

	for (i = 0; i < func->cnt && !err; i++) {
		next = i + 1 < func->cnt && func->offs ? func->offs[i + 1] : func->size;
		if (func->offs && func->offs[i] < next)
			err = put_insn(image, *slot, func->offs[i]);
		*slot += kps_insn_slots(&insns[*slot]);
	}
	return err;
}

static int put_func(struct image *image, const struct kps_jit_func *func, u32 *slot)
{
	const struct kapsel_prog_image *arg = image->arg;
	const struct kapsel_image_func out = { .insn = *slot, .size = func->size };
	int err;

	err = put(arg->code, image->size, arg->code_size, func->code, func->size, 1) ?:
	      put(arg->funcs, image->nr_funcs, arg->func_cnt, &out, 1, sizeof(out)) ?:
	      put_insns(image, func, slot);
	image->size += func->size;
	image->nr_funcs++;
	return err;
}

/* What is not compiled has instructions, too. */
static u32 slot_of(const struct kps_prog *prog, u32 at, u32 slot, u32 first)
{
	for (; at < first; at++)
		slot += kps_insn_slots(&prog->insns[slot]);
	return slot;
}

static int put_all(struct image *image)
{
	u32 i, nr, at = 0, slot = 0;
	const struct kps_jit_func *func = kps_jit_funcs(image->prog->jit, &nr);
	int err = 0;

	for (i = 0; i < nr && !err; i++, func++) {
		if (!func->size)
			continue;
		slot = slot_of(image->prog, at, slot, func->first);
		err = put_func(image, func, &slot);
		at = func->first + func->cnt;
	}
	return err;
}

int kps_prog_image(struct kps_call *call)
{
	struct kapsel_prog_image *arg = call->arg;
	struct image image = { .prog = kps_prog_of(call->obj), .arg = arg };
	int err;

	if (arg->flags)
		return -EINVAL;
	if (!may_see_addresses())
		return -EPERM;
	if (!image.prog->jit)
		return -EOPNOTSUPP;
	err = put_all(&image);
	arg->code_size = image.size;
	arg->func_cnt = image.nr_funcs;
	arg->insn_cnt = image.nr_insns;
	return err;
}
