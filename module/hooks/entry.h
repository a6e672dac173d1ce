/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what ftrace's callbacks at function entries have in common; x86-64 */
#ifndef KPS_ENTRY_H
#define KPS_ENTRY_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>

#include "compat.h"
#include "event.h"

/* Left over from whatever used this stack before. */
static __always_inline void kps_clear_unsaved(struct pt_regs *regs)
{
	regs->bx = 0;
	regs->r10 = 0;
	regs->r11 = 0;
	regs->r12 = 0;
	regs->r13 = 0;
	regs->r14 = 0;
	regs->r15 = 0;
	regs->flags = 0;
	regs->ss = 0;
}

/*
 * Where all registers are saved they are also restored from here, but for the one
 * of programs' own: a kprobe shows the address behind its one byte, whatever ftrace
 * goes on with.
 */
static __always_inline __nocfi void kps_entry_event(struct kps_link *link,
						    const struct kps_site *site,
						    unsigned long ip,
						    struct ftrace_regs *fregs)
{
	struct pt_regs *regs = kps_ftrace_regs(fregs);
	unsigned long next = regs->ip;

	if (!ftrace_get_regs(fregs))
		kps_clear_unsaved(regs);
	regs->ip = ip + sizeof(kprobe_opcode_t);
	kps_link_event(link, site, regs);
	regs->ip = next;
}

/** kps_entry_goes - does code at @ip go, as module @mod comes into @state? */
static inline bool kps_entry_goes(unsigned long ip, unsigned long state,
				  const struct module *mod)
{
	return state == MODULE_STATE_GOING ? within_module(ip, mod) :
	       state == MODULE_STATE_LIVE && within_module_init(ip, mod);
}

/**
 * kps_entry_unregister - take an ftrace_ops away, and wait until nobody can call it
 *
 * The kernel refuses if ftrace broke down: it may be called for ever then, and the
 * module never goes.
 *
 * Return: whether it may be freed.
 */
bool kps_entry_unregister(struct ftrace_ops *ops);

/** kps_entry_nowhere - address of a function that nobody calls, for ftrace to watch */
unsigned long kps_entry_nowhere(void);

#endif
