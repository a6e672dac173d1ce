// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as people write them: two hexadecimal digits each, blanks between */

#include <ctype.h>
#include <stdlib.h>

#include "hex.h"

static int digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The array doubles whenever its size is a power of two. */
static bool append(struct cf_bytes *bytes, unsigned char byte)
{
	if ((bytes->size & (bytes->size - 1)) == 0) {
		unsigned char *data = realloc(bytes->data, bytes->size ? bytes->size * 2 : 1);

		if (!data)
			return false;
		bytes->data = data;
	}
	bytes->data[bytes->size++] = byte;
	return true;
}

enum cf_hex cf_hex_read(FILE *in, size_t max, struct cf_bytes *bytes)
{
	int c, high, low;

	*bytes = (struct cf_bytes){};
	while ((c = getc(in)) != EOF) {
		if (isspace(c))
			continue;
		high = digit(c);
		low = digit(getc(in));
		if (high < 0 || low < 0)
			return CF_HEX_BAD;
		if (bytes->size == max)
			return CF_HEX_LONG;
		if (!append(bytes, high << 4 | low))
			return CF_HEX_NOMEM;
	}
	return ferror(in) ? CF_HEX_BAD : CF_HEX_FINE;
}

const char *cf_hex_why(enum cf_hex end)
{
	static const char * const why[] = {
		[CF_HEX_FINE] = "fine",
		[CF_HEX_BAD] = "not bytes of two hexadecimal digits each",
		[CF_HEX_LONG] = "too long",
		[CF_HEX_NOMEM] = "no memory for it",
	};

	return why[end];
}

void cf_bytes_free(struct cf_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct cf_bytes){};
}
