/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - why something failed; see kapsel.h */
#ifndef KAPSEL_ERROR_H
#define KAPSEL_ERROR_H

#include <stddef.h>

#include <linux/types.h>

/**
 * struct kapsel_error - why something failed
 * @err: negative errno, 0: nothing failed
 * @code: of the verdict (KV and KA codes, see struct kapsel_verdict), or 0
 * @text: one line without newline
 * @hint: what may help, one line, or empty
 */
struct kapsel_error {
	int err;
	__u32 code;
	char text[480];
	char hint[320];
};

/** kapsel_errno_name - "EACCES (Permission denied)" in @buf; the sign of @err is ignored */
const char *kapsel_errno_name(int err, char *buf, size_t size);

/** kapsel_edits - how many letters to change to make @a @b, for "did you mean" */
__u32 kapsel_edits(const char *a, const char *b);

#endif
