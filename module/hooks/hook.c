// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hooks: the table */

#include <linux/capability.h>
#include <linux/kernel.h>

#include "hooks/hook.h"

#define KPS_HOOK(_hook, _name, _type, _cap) {				\
	.hook = _hook, .name = #_name, .prog_type = _type,		\
	.capability = _cap, .ops = &kps_hook_##_name##_ops,		\
},
const struct kps_hook kps_hooks[] = {
#include "hooks/hooks.tbl"
};

#undef KPS_HOOK

const u32 kps_nr_hooks = ARRAY_SIZE(kps_hooks);

const struct kps_hook *kps_hook_find(u32 hook)
{
	u32 i;

	for (i = 0; i < kps_nr_hooks; i++)
		if (kps_hooks[i].hook == hook)
			return &kps_hooks[i];
	return NULL;
}

static void exit_first(u32 n)
{
	while (n--)
		if (kps_hooks[n].ops->exit)
			kps_hooks[n].ops->exit();
}

int kps_hooks_init(void)
{
	int err = 0;
	u32 i;

	for (i = 0; i < kps_nr_hooks; i++) {
		if (kps_hooks[i].ops->init)
			err = kps_hooks[i].ops->init();
		if (err) {
			exit_first(i);
			return err;
		}
	}
	return 0;
}

void kps_hooks_exit(void)
{
	exit_first(kps_nr_hooks);
}
