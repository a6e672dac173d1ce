// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - runs small programs inside the kernel, after it has proved them safe
 *
 * From here on: device.c has the ioctls, object.c and pin.c what all objects have
 * in common, reaper.c how they end, load.c, scratch.c and prog.c programs, map.c and maps/ maps,
 * link.c and hooks/ what programs are attached to, run.c and event.c what happens then,
 * engine.c and jit.c by what, helpers*.c what programs may call. core/ verifies and
 * interprets, and is compiled into userspace as well.
 */

#define pr_fmt(fmt) "kapsel: " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "abi.h"
#include "device.h"
#include "helpers.h"
#include "jit.h"
#include "reaper.h"
#include "run.h"
#include "scratch.h"
#include "sendsig.h"
#include "hooks/hook.h"

static int __init kapsel_init(void)
{
	int err;

	err = kps_helpers_init();
	if (err)
		return err;
	err = kps_scratch_init();
	if (err)
		return err;
	err = kps_run_init();
	if (err)
		goto scratch_exit;
	err = kps_signal_init();
	if (err)
		goto run_exit;
	err = kps_reaper_init();
	if (err)
		goto signal_exit;
	kps_jit_init();
	err = kps_hooks_init();
	if (err)
		goto reaper_exit;
	/* Last: from here on there are users. */
	err = kps_device_init();
	if (err)
		goto hooks_exit;
	pr_info("version " KPS_VERSION "\n");
	return 0;

hooks_exit:
	kps_hooks_exit();
reaper_exit:
	kps_reaper_exit();
signal_exit:
	kps_signal_exit();
run_exit:
	kps_run_exit();
scratch_exit:
	kps_scratch_exit();
	return err;
}

/* Files and pins hold the module, so there are no objects any more. */
static void __exit kapsel_exit(void)
{
	kps_device_exit();
	kps_hooks_exit();
	kps_reaper_exit();
	kps_signal_exit();
	kps_run_exit();
	kps_scratch_exit();
}

module_init(kapsel_init);
module_exit(kapsel_exit);

MODULE_AUTHOR("The kapsel authors");
MODULE_DESCRIPTION("Sandboxed eBPF programs by ioctl, without bpf(2)");
MODULE_VERSION(KPS_VERSION);
MODULE_LICENSE("GPL");
