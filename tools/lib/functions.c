// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - many functions of the running kernel, by names and patterns */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "internal.h"

/**
 * struct part - one of the names
 * @module: "": any
 * @name: a name, or a pattern
 * @pattern: it is one
 * @cookie: for its functions
 * @count: functions that it means
 * @hidden: one of them has an address that the caller may not see
 */
struct part {
	char module[64];
	char name[KAPSEL_TARGET_LEN];
	bool pattern;
	u64 cookie;
	u32 count;
	bool hidden;
};

/** struct finder - the search */
struct finder {
	struct part *parts;
	u32 nr_parts;
	struct kl_functions *found;
	bool nomem;
};

/* Parts of functions, and what the compiler puts before them. */
static bool is_no_function(const char *name)
{
	size_t len = strlen(name);

	return !strncmp(name, "__pfx_", 6) || !strncmp(name, "__cfi_", 6) ||
	       strstr(name, ".cold.") || (len > 5 && !strcmp(name + len - 5, ".cold"));
}

static bool means(const struct part *part, const struct kapsel_symbol *sym)
{
	if (part->module[0] && strcmp(part->module, sym->module))
		return false;
	if (!part->pattern)
		return !strcmp(part->name, sym->name);
	return !fnmatch(part->name, sym->name, 0) && !is_no_function(sym->name);
}

static void add(struct finder *f, const struct part *part, u64 addr)
{
	struct kl_functions *found = f->found;
	u64 *addrs = kl_grow(&found->addrs, found->count, sizeof(*addrs));
	u64 *cookies = addrs ? kl_grow(&found->cookies, found->count, sizeof(*cookies)) : NULL;

	if (!cookies) {
		f->nomem = true;
		return;
	}
	*addrs = addr;
	*cookies = part->cookie;
	found->count++;
}

/* The first that means it gives the cookie. */
static void consider(void *ctx, const struct kapsel_symbol *sym)
{
	struct finder *f = ctx;
	bool added = false;
	u32 i;

	for (i = 0; i < f->nr_parts && !f->nomem; i++) {
		struct part *part = &f->parts[i];

		if (!means(part, sym))
			continue;
		part->count++;
		part->hidden |= !sym->addr;
		if (!added)
			add(f, part, sym->addr);
		added = true;
	}
}

static int read_part(struct part *part, const char *text, size_t len, struct kapsel_error *err)
{
	const char *colon = memchr(text, ':', len);
	size_t module = colon ? colon - text : 0, skip = colon ? module + 1 : 0;

	if (len == skip || len - skip >= sizeof(part->name) || module >= sizeof(part->module))
		return kl_fail(err, -EINVAL, "'%.*s' is not the name of a function", (int)len,
			       text);
	memcpy(part->module, text, module);
	memcpy(part->name, text + skip, len - skip);
	part->pattern = strpbrk(part->name, "*?[");
	return 0;
}

static int read_list(struct finder *f, const char *list, struct kapsel_error *err)
{
	const char *at = list;
	int ret = 0;

	while (!ret) {
		size_t len = strcspn(at, ",");
		struct part *part = kl_grow(&f->parts, f->nr_parts, sizeof(*part));

		if (!part)
			return kl_nomem(err);
		f->nr_parts++;
		ret = read_part(part, at, len, err);
		f->found->pattern |= part->pattern;
		if (!at[len])
			break;
		at += len + 1;
	}
	return ret;
}

static int give_cookies(struct finder *f, const struct kapsel_attach_opts *opts,
			struct kapsel_error *err)
{
	u32 i;

	if (opts->nr_cookies && opts->nr_cookies != f->nr_parts)
		return kl_fail(err, -EINVAL, "there are %u cookies for %u names", opts->nr_cookies,
			       f->nr_parts);
	for (i = 0; i < f->nr_parts; i++)
		f->parts[i].cookie = opts->nr_cookies ? opts->cookies[i] : opts->cookie;
	return 0;
}

static int check_part(const struct part *part, const char *kallsyms, struct kapsel_error *err)
{
	if (!part->count) {
		kl_fail(err, -ENOENT, "no function of this kernel %s '%s'",
			part->pattern ? "matches" : "has the name", part->name);
		if (!part->pattern)
			kl_hint_names(kallsyms, part->name, err);
		return -ENOENT;
	}
	if (part->hidden) {
		kl_fail(err, -EPERM, "the addresses of functions are hidden in /proc/kallsyms");
		return kl_hint(err, "be root, with kernel.kptr_restrict below 2");
	}
	if (part->pattern || part->count == 1)
		return 0;
	kl_fail(err, -EADDRNOTAVAIL, "%u functions have the name '%s'", part->count, part->name);
	return kl_hint(err, "say which by MODULE:%s, or attach to one by its address", part->name);
}

/** struct pair - a function and its cookie, to be sorted */
struct pair {
	u64 addr;
	u64 cookie;
};

static int by_addr(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* A function may have several names. */
static int make_unique(struct kl_functions *found, struct kapsel_error *err)
{
	struct pair *pairs = calloc(found->count, sizeof(*pairs));
	u32 i, n = 0;

	if (!pairs)
		return kl_nomem(err);
	for (i = 0; i < found->count; i++)
		pairs[i] = (struct pair){ found->addrs[i], found->cookies[i] };
	qsort(pairs, found->count, sizeof(*pairs), by_addr);
	for (i = 0; i < found->count; i++) {
		if (n && found->addrs[n - 1] == pairs[i].addr)
			continue;
		found->addrs[n] = pairs[i].addr;
		found->cookies[n++] = pairs[i].cookie;
	}
	found->count = n;
	free(pairs);
	return 0;
}

int kl_functions_find(const char *list, const char *kallsyms,
		      const struct kapsel_attach_opts *opts, struct kl_functions *found,
		      struct kapsel_error *err)
{
	struct finder f = { .found = found };
	int ret = read_list(&f, list, err);
	u32 i;

	ret = ret ?: give_cookies(&f, opts, err);
	if (!ret)
		kl_each_symbol(kallsyms, consider, &f);
	if (!ret && f.nomem)
		ret = kl_nomem(err);
	for (i = 0; i < f.nr_parts && !ret; i++)
		ret = check_part(&f.parts[i], kallsyms, err);
	free(f.parts);
	return ret ?: make_unique(found, err);
}

void kl_functions_free(struct kl_functions *found)
{
	free(found->addrs);
	free(found->cookies);
	memset(found, 0, sizeof(*found));
}
