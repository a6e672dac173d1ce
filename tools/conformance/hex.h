/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as people write them: two hexadecimal digits each, blanks between */
#ifndef CF_HEX_H
#define CF_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** struct cf_bytes - bytes, growing */
struct cf_bytes {
	unsigned char *data;
	size_t size;
};

/** enum cf_hex - how reading ended */
enum cf_hex {
	CF_HEX_FINE,
	CF_HEX_BAD,	/* what is no digit, or one digit without a second */
	CF_HEX_LONG,	/* more bytes than allowed */
	CF_HEX_NOMEM,
};

/** cf_hex_read - all of @in, at most @max bytes; cf_bytes_free() in any case */
enum cf_hex cf_hex_read(FILE *in, size_t max, struct cf_bytes *bytes);

/** cf_hex_why - a message */
const char *cf_hex_why(enum cf_hex end);

/** cf_bytes_free - give them back */
void cf_bytes_free(struct cf_bytes *bytes);

#endif
