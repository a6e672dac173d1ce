/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - what its files share: errors, growing arrays, the object */
#ifndef KL_INTERNAL_H
#define KL_INTERNAL_H

#include <linux/types.h>
#include <linux/compiler.h>

#include "kapsel.h"

/**
 * kl_fail - fill an error
 * @err: may be NULL
 * @code: negative errno
 * @fmt: one sentence that names the thing at fault
 *
 * Return: @code, so that callers return kl_fail(...).
 */
__printf(3, 4)
int kl_fail(struct kapsel_error *err, int code, const char *fmt, ...);

/** kl_errno - kl_fail() with the errno's name and text behind the sentence */
__printf(3, 4)
int kl_errno(struct kapsel_error *err, int code, const char *fmt, ...);

/** kl_hint - add what may help; returns err->err */
__printf(2, 3)
int kl_hint(struct kapsel_error *err, const char *fmt, ...);

/** kl_map_put_fd - store a program's or a map's descriptor in a map on the device */
int kl_map_put_fd(const struct kapsel_map *map, u32 index, int fd, struct kapsel_error *err);

/** kl_nomem - kl_fail() for want of memory */
int kl_nomem(struct kapsel_error *err);

/**
 * kl_make_plain - put spaces in place of what a terminal would obey
 * @text: names, NUL between them, tabs are fine
 * @size: of all, bytes
 */
void kl_make_plain(char *text, size_t size);

/**
 * kl_grow - make room for one more element of an array
 * @array: address of the pointer to it
 * @count: elements in use
 * @size: of an element, bytes
 *
 * The array doubles whenever @count reaches a power of two. New room is zero.
 *
 * Return: the new element, or NULL (the array stays).
 */
void *kl_grow(void *array, u32 count, size_t size);

typedef void (*kl_symbol_fn)(void *ctx, const struct kapsel_symbol *sym);

/**
 * kl_each_symbol - functions of the running kernel
 * @kallsyms: a file like /proc/kallsyms, NULL: that one
 * @fn: called for each, in the file's order
 * @ctx: passed to it
 */
void kl_each_symbol(const char *kallsyms, kl_symbol_fn fn, void *ctx);

/**
 * struct kl_functions - the functions that a list of names and patterns means
 * @addrs: of each, once
 * @cookies: for each
 * @count: how many
 * @pattern: some are meant by a pattern, so that some may be left out
 */
struct kl_functions {
	u64 *addrs;
	u64 *cookies;
	u32 count;
	bool pattern;
};

/**
 * kl_functions_find - see struct kl_functions
 * @list: [MODULE:]NAME, where NAME may be a shell pattern, commas between them
 * @kallsyms: where to look
 * @opts: cookies
 * @found: filled, to be freed by kl_functions_free() in any case
 * @err: filled on failure
 */
int kl_functions_find(const char *list, const char *kallsyms,
		      const struct kapsel_attach_opts *opts, struct kl_functions *found,
		      struct kapsel_error *err);

void kl_functions_free(struct kl_functions *found);

/** kl_hint_names - hint at functions whose names are like @target */
void kl_hint_names(const char *kallsyms, const char *target, struct kapsel_error *err);

#endif
