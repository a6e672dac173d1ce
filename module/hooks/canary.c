// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - do kprobes work? */

#include <linux/kprobes.h>
#include <linux/mutex.h>

#include "hooks/canary.h"

/*
 * Whether probes are armed is known to nobody but the kernel, which registers
 * them all the same (/sys/kernel/debug/kprobes/enabled). So there is a function
 * of our own, with a probe in it that tells.
 */
static DEFINE_MUTEX(lock);
/* Under lock. No bool: with -fsanitize=bool, gcc 12 takes it for constant. */
static int sings;

/* Constant after init. */
static bool registered;

static noinline void canary(void)
{
	/* Keeps the compiler from dropping the call. */
	barrier();
}

static int handler(struct kprobe *probe, struct pt_regs *regs)
{
	WRITE_ONCE(sings, 1);
	return 0;
}

NOKPROBE_SYMBOL(handler);

static struct kprobe probe = {
	.addr = (kprobe_opcode_t *)canary,
	.pre_handler = handler,
};

bool kps_kprobes_on(void)
{
	bool on;

	if (!registered)
		return false;
	mutex_lock(&lock);
	WRITE_ONCE(sings, 0);
	canary();
	on = READ_ONCE(sings);
	mutex_unlock(&lock);
	return on;
}

/* Without kprobes there is still netfilter; a lack of memory is no lack of kprobes. */
int kps_canary_init(void)
{
	int err = register_kprobe(&probe);

	registered = !err;
	return err == -ENOMEM ? err : 0;
}

void kps_canary_exit(void)
{
	if (registered)
		unregister_kprobe(&probe);
}
