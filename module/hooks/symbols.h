/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the kernel's own symbols, by address */
#ifndef KPS_SYMBOLS_H
#define KPS_SYMBOLS_H

#include <linux/kallsyms.h>
#include <linux/types.h>

/**
 * struct kps_symbol - what the kernel calls an address
 * @name: cut off before any "+"
 * @start: of the symbol
 * @size: up to the next one
 */
struct kps_symbol {
	char name[KSYM_SYMBOL_LEN];
	unsigned long start;
	unsigned long size;
};

/** kps_symbol_at - the kernel's symbol at an address; false: none, or a module's */
bool kps_symbol_at(unsigned long addr, struct kps_symbol *symbol);

/**
 * struct kps_names - names that several symbols have
 * @hashes: of them, sorted
 * @count: how many
 */
struct kps_names {
	u32 *hashes;
	u32 count;
};

/**
 * kps_names_learn - look through all of the kernel's symbols
 * @names: gets the names; to be freed by kvfree(@names->hashes)
 * @inside: an address of the kernel's own text
 *
 * Takes a tenth of a second. Return: 0, -ENOMEM, or -EINTR by a fatal signal.
 */
int kps_names_learn(struct kps_names *names, unsigned long inside);

/** kps_names_has - is it one of them? A yes may be wrong, a no is not */
bool kps_names_has(const struct kps_names *names, const char *name);

#endif
