/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - stacks of calls shown */
#ifndef STACKVIEW_H
#define STACKVIEW_H

#include <stdio.h>

#include "kapsel.h"

/**
 * stackview_text - "vfs_read+0x5 <- ksys_read+0x5f <- ...", the innermost first
 * @to: where to
 * @value: of a stack trace map
 * @size: of it, bytes
 *
 * Addresses of the user side, and those whose names are hidden from the caller,
 * are numbers.
 */
void stackview_text(FILE *to, const void *value, size_t size);

/** stackview_address - "vfs_read", "vfs_read+0x5" or a number; returns @buf */
const char *stackview_address(__u64 addr, char *buf, size_t size);

/** stackview_json - the same as an array */
void stackview_json(struct kapsel_json *js, const void *value, size_t size);

#endif
