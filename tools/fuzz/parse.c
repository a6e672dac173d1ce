// SPDX-License-Identifier: GPL-2.0-only
/* What the fuzzers of parsers share: the object they use, and what they insist on */

#include <ctype.h>
#include <string.h>

#include "parse.h"

#define MAX_DEPTH 64

struct kapsel_object *fz_seed(void)
{
	const char *path = getenv("FUZZ_SEED") ?: "build/fuzz/seeds/everything.bpf.o";
	struct kapsel_error err;
	struct kapsel_object *obj;

	setenv("KAPSEL_BTF", path, 1);
	obj = kapsel_open(path, &err);
	if (!obj) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return obj;
}

void fz_clear(int ret, const struct kapsel_error *err)
{
	if (!ret)
		return;
	FZ_INSIST(ret < 0 && err->err < 0);
	FZ_INSIST(err->text[0] && strnlen(err->text, sizeof(err->text)) < sizeof(err->text));
	FZ_INSIST(!strchr(err->text, '\n') && fz_is_plain(err->text, strlen(err->text)));
	FZ_INSIST(strnlen(err->hint, sizeof(err->hint)) < sizeof(err->hint));
}

bool fz_is_plain(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') ||
		    text[i] == 0x7f)
			return false;
	return true;
}

/** struct json - a text being read */
struct json {
	const char *at;
	const char *end;
};

static void skip_space(struct json *js)
{
	while (js->at < js->end && strchr(" \t\r\n", *js->at) && *js->at)
		js->at++;
}

static bool take(struct json *js, char c)
{
	skip_space(js);
	if (js->at == js->end || *js->at != c)
		return false;
	js->at++;
	return true;
}

static bool escape(struct json *js)
{
	int i;

	if (js->at == js->end)
		return false;
	if (*js->at != 'u')
		return strchr("\"\\/bfnrt", *js->at++);
	js->at++;
	for (i = 0; i < 4; i++)
		if (js->at == js->end || !isxdigit((unsigned char)*js->at++))
			return false;
	return true;
}

static bool string(struct json *js)
{
	if (!take(js, '"'))
		return false;
	while (js->at < js->end && *js->at != '"') {
		unsigned char c = *js->at++;

		if (c < 0x20 || (c == '\\' && !escape(js)))
			return false;
	}
	return take(js, '"');
}

static bool word(struct json *js)
{
	static const char * const words[] = { "true", "false", "null" };
	const char *from;
	size_t i, len;

	for (i = 0; i < 3; i++) {
		len = strlen(words[i]);
		if ((size_t)(js->end - js->at) >= len && !memcmp(js->at, words[i], len)) {
			js->at += len;
			return true;
		}
	}
	take(js, '-');
	for (from = js->at; js->at < js->end && isdigit((unsigned char)*js->at);)
		js->at++;
	return js->at > from;
}

static bool value(struct json *js, int depth);

static bool list(struct json *js, char close, int depth)
{
	if (take(js, close))
		return true;
	do {
		if (close == '}' && (!string(js) || !take(js, ':')))
			return false;
		if (!value(js, depth + 1))
			return false;
	} while (take(js, ','));
	return take(js, close);
}

static bool value(struct json *js, int depth)
{
	skip_space(js);
	if (js->at == js->end || depth > MAX_DEPTH)
		return false;
	if (*js->at == '"')
		return string(js);
	if (take(js, '{'))
		return list(js, '}', depth);
	if (take(js, '['))
		return list(js, ']', depth);
	return word(js);
}

bool fz_is_json(const char *text, size_t len)
{
	struct json js = { text, text + len };

	if (!value(&js, 0))
		return false;
	skip_space(&js);
	return js.at == js.end;
}
