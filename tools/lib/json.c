// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - JSON: a small streaming writer */

#include <string.h>

#include "internal.h"

/* Everything but printable ASCII and well-formed UTF-8 is escaped. */
static u32 utf8_len(const unsigned char *text, size_t left)
{
	u32 len = *text >= 0xf0 && *text < 0xf5 ? 4 : *text >= 0xe0 ? 3 : 2, i;

	if (*text < 0xc2 || *text >= 0xf5 || len > left)
		return 0;
	for (i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void write_string(FILE *out, const char *value, size_t len)
{
	const unsigned char *at = (const unsigned char *)value, *end = at + len;

	fputc('"', out);
	while (at < end) {
		u32 wide = *at >= 0x80 ? utf8_len(at, end - at) : 0;

		if (wide) {
			fwrite(at, 1, wide, out);
			at += wide;
			continue;
		}
		if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", out);
		else if (*at < 0x20 || *at >= 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fputc(*at, out);
		at++;
	}
	fputc('"', out);
}

static void begin(struct kapsel_json *js, const char *key)
{
	u64 bit = 1ULL << js->depth;

	if (js->depth && (js->more & bit))
		fputc(',', js->out);
	js->more |= bit;
	if (key) {
		write_string(js->out, key, strlen(key));
		fputc(':', js->out);
	}
}

void kapsel_json_open(struct kapsel_json *js, const char *key, char bracket)
{
	begin(js, key);
	fputc(bracket, js->out);
	if (js->depth < 63)
		js->depth++;
	js->more &= ~(1ULL << js->depth);
}

void kapsel_json_close(struct kapsel_json *js, char bracket)
{
	fputc(bracket, js->out);
	if (js->depth)
		js->depth--;
}

void kapsel_json_str(struct kapsel_json *js, const char *key, const char *value)
{
	begin(js, key);
	if (value)
		write_string(js->out, value, strlen(value));
	else
		fputs("null", js->out);
}

void kapsel_json_strn(struct kapsel_json *js, const char *key, const char *value,
		      size_t len)
{
	begin(js, key);
	write_string(js->out, value, len);
}

void kapsel_json_u64(struct kapsel_json *js, const char *key, u64 value)
{
	begin(js, key);
	fprintf(js->out, "%llu", (unsigned long long)value);
}

void kapsel_json_s64(struct kapsel_json *js, const char *key, s64 value)
{
	begin(js, key);
	fprintf(js->out, "%lld", (long long)value);
}

void kapsel_json_bool(struct kapsel_json *js, const char *key, bool value)
{
	begin(js, key);
	fputs(value ? "true" : "false", js->out);
}
