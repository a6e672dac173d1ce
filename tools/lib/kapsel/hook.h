/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - hooks: where a program goes; see kapsel.h */
#ifndef KAPSEL_HOOK_H
#define KAPSEL_HOOK_H

#include <stdbool.h>

#include "error.h"

#define KAPSEL_TARGET_LEN 256

/**
 * struct kapsel_hook - a place to attach to
 * @hook: KAPSEL_HOOK_*, 0: none given
 * @prog_type: KAPSEL_PROG_* that belongs to it
 * @target: function of a kprobe or kretprobe, or MODULE:FUNCTION; of many: such names
 *	and shell patterns, commas between them; empty: still to be given
 * @addr: the function's address, 0: to be looked up by name
 * @offset: bytes into it
 * @maxactive: of a kretprobe, 0: the kernel's default
 * @family: NFPROTO_*
 * @hooknum: NF_INET_*
 * @priority: of a netfilter hook
 * @check_only: a packet program of a kind that kapsel has no hook for, a socket filter:
 *	it can be verified, whatever it returns, and attached only where a hook is named
 */
struct kapsel_hook {
	__u32 hook;
	__u32 prog_type;
	char target[KAPSEL_TARGET_LEN];
	__u64 addr;
	__u64 offset;
	__u32 maxactive;
	__u32 family;
	__u32 hooknum;
	__s32 priority;
	bool check_only;
};

/** kapsel_hook_is_multi - does it go to many functions? */
bool kapsel_hook_is_multi(const struct kapsel_hook *hook);

/** kapsel_hook_from_sec - the hook that a section name stands for */
int kapsel_hook_from_sec(const char *sec, struct kapsel_hook *hook,
			 struct kapsel_error *err);

/** kapsel_hook_parse - a hook as people write it: kprobe:FUNC@ADDR+OFF, nf:inet:input */
int kapsel_hook_parse(const char *words, struct kapsel_hook *hook,
		      struct kapsel_error *err);

/** kapsel_hook_format - the same words again; returns @buf */
const char *kapsel_hook_format(const struct kapsel_hook *hook, char *buf,
			       size_t size);

/* ------------------------------------------------------------------------
 * Functions of the running kernel. @kallsyms is a file like /proc/kallsyms,
 * NULL: that one
 */

/**
 * struct kapsel_symbol - a function
 * @name: of it
 * @module: "" : the kernel's own
 * @addr: 0: hidden from the caller
 */
struct kapsel_symbol {
	char name[KAPSEL_TARGET_LEN];
	char module[64];
	__u64 addr;
};

/**
 * kapsel_symbols_named - the functions that a name means
 * @kallsyms: where to look
 * @name: FUNCTION or MODULE:FUNCTION
 * @list: filled with at most @room of them
 * @room: how many
 *
 * Return: how many there are.
 */
__u32 kapsel_symbols_named(const char *kallsyms, const char *name,
			   struct kapsel_symbol *list, __u32 room);

struct kapsel_ksyms;

/** kapsel_ksyms_read - all functions, by address; NULL: none is to be seen, or no memory */
struct kapsel_ksyms *kapsel_ksyms_read(const char *kallsyms);

/**
 * kapsel_ksyms_find - the function that an address lies in
 * @syms: of kapsel_ksyms_read()
 * @addr: of an instruction
 * @off: its distance from the function's start, bytes
 *
 * Return: [MODULE:]FUNCTION, alive as long as @syms; NULL: none begins near before.
 */
const char *kapsel_ksyms_find(const struct kapsel_ksyms *syms, __u64 addr, __u64 *off);

/** kapsel_ksyms_free - NULL is ignored */
void kapsel_ksyms_free(struct kapsel_ksyms *syms);

/** kapsel_symbol_at - the function that begins at @addr; false: there is none */
bool kapsel_symbol_at(const char *kallsyms, __u64 addr, struct kapsel_symbol *sym);

/**
 * kapsel_symbols_like - names of functions that a name may have been meant as
 * @kallsyms: where to look
 * @name: as somebody wrote it
 * @names: filled with at most @room names, nearest first
 * @room: how many
 *
 * Return: how many were filled in.
 */
__u32 kapsel_symbols_like(const char *kallsyms, const char *name,
			  char (*names)[KAPSEL_TARGET_LEN], __u32 room);

/**
 * kapsel_hook_check - whether a hook's function is one and no other
 * @hook: where to attach
 * @kallsyms: where to look
 * @err: filled on failure; the hint lists what may be meant
 *
 * Older kernels take the first of several functions without a word. What isn't
 * in @kallsyms is left to the kernel.
 *
 * Return: 0, or -EADDRNOTAVAIL.
 */
int kapsel_hook_check(const struct kapsel_hook *hook, const char *kallsyms,
		      struct kapsel_error *err);

#endif
