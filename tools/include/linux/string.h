/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: memory and strings */
#ifndef KPS_SHIM_STRING_H
#define KPS_SHIM_STRING_H

#include <linux/types.h>
#include <string.h>

/* As the kernel's: always terminates, says how much was copied or -E2BIG. */
static inline ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -7;
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = 0;
		return -7;
	}
	memcpy(dst, src, len + 1);
	return (ssize_t)len;
}

#endif
