/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - hooks: what a place to attach to has to offer */
#ifndef KPS_HOOK_H
#define KPS_HOOK_H

#include <linux/types.h>
#include <linux/kapsel.h>

struct kps_answer;
struct kps_link;
struct kps_prog;

/**
 * struct kps_hook_ops - a hook
 * @size: of its link structs, which begin with a struct kps_link
 * @attach: checks the place and switches the link on, from when on it runs;
 *	0, or -errno with the reason in the answer. Called once, with no lock held
 * @detach: switches it off; returns when nobody runs it any more. Under the
 *	link's lock. 0, or -ENOENT if it was off already
 * @update: may the caller put this program in? 0, -EPERM, or -EOPNOTSUPP if it needs
 *	what the link was not attached for; under the lock
 * @updated: the program was put in; under the lock, before the old one is given up.
 *	Optional
 * @info: fills what only the hook knows; under the lock
 * @free: what is left after detaching, or after a failed attach; not the struct.
 *	Optional
 * @init: @exit: with the module; optional
 */
struct kps_hook_ops {
	size_t size;
	int (*attach)(struct kps_link *link, const struct kapsel_link_create *arg,
		      struct kps_answer *answer);
	int (*detach)(struct kps_link *link);
	int (*update)(struct kps_link *link, const struct kps_prog *prog);
	void (*updated)(struct kps_link *link, const struct kps_prog *prog);
	int (*info)(struct kps_link *link, struct kapsel_link_info *info);
	void (*free)(struct kps_link *link);
	int (*init)(void);
	void (*exit)(void);
};

/**
 * struct kps_hook - a row of hooks.tbl
 * @hook: KAPSEL_HOOK_*
 * @name: of the hook
 * @prog_type: the only one for it
 * @capability: needed beside the one for loading
 * @ops: its code
 */
struct kps_hook {
	u32 hook;
	const char *name;
	u32 prog_type;
	int capability;
	const struct kps_hook_ops *ops;
};

/* kps_hook_NAME_ops for each row, in one declaration. */
extern const struct kps_hook_ops
#define KPS_HOOK(_hook, _name, _type, _cap) kps_hook_##_name##_ops,
#include "hooks/hooks.tbl"
#undef KPS_HOOK
kps_hook_none_ops;

extern const struct kps_hook kps_hooks[];
extern const u32 kps_nr_hooks;

/** kps_hook_find - the row of hook @hook, or NULL */
const struct kps_hook *kps_hook_find(u32 hook);

int kps_hooks_init(void);
void kps_hooks_exit(void);

#endif
