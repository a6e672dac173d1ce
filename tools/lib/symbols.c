// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - functions of the running kernel, by name */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "internal.h"

/** struct found - names so far, nearest first */
struct found {
	const char *wanted;
	char (*names)[KAPSEL_TARGET_LEN];
	u32 room;
	u32 count;
	u32 far[16];
};

static u32 distance(const char *wanted, const char *name)
{
	size_t len = strlen(wanted);

	/* One is the beginning of the other: do_sys_open, do_sys_openat2. */
	if (!strncmp(wanted, name, len))
		return 1 + (strlen(name) - len > 16);
	if (len > 6 && strstr(name, wanted))
		return 3;
	return 2 * kapsel_edits(wanted, name);
}

static bool known(const struct found *found, const char *name)
{
	u32 i;

	for (i = 0; i < found->count; i++)
		if (!strcmp(found->names[i], name))
			return true;
	return false;
}

static void consider(struct found *found, const char *name, u32 far)
{
	u32 at = found->count;

	if (far > 8 || known(found, name))
		return;
	while (at && found->far[at - 1] > far)
		at--;
	if (at == found->room)
		return;
	if (found->count < found->room)
		found->count++;
	memmove(&found->names[at + 1], &found->names[at],
		(found->count - at - 1) * sizeof(*found->names));
	memmove(&found->far[at + 1], &found->far[at],
		(found->count - at - 1) * sizeof(*found->far));
	snprintf(found->names[at], KAPSEL_TARGET_LEN, "%s", name);
	found->far[at] = far;
}

/* "ffffffff81000000 t name\t[module]": a function's name, or NULL. */
static char *parse_line(char *line, u64 *addr, char **module)
{
	char *type = line, *name, *end;

	*addr = strtoull(line, &type, 16);
	if (type[0] != ' ' || !type[1] || type[2] != ' ' || !strchr("tTwW", type[1]))
		return NULL;
	name = type + 3;
	end = name + strcspn(name, "\t\n");
	*module = "";
	if (end[0] == '\t' && end[1] == '[') {
		*module = end + 2;
		end[2 + strcspn(end + 2, "]\n")] = '\0';
	}
	*end = '\0';
	return end - name < KAPSEL_TARGET_LEN ? name : NULL;
}

void kl_each_symbol(const char *kallsyms, kl_symbol_fn fn, void *ctx)
{
	FILE *file = fopen(kallsyms ?: "/proc/kallsyms", "re");
	struct kapsel_symbol sym;
	char line[600], *name, *module;

	while (file && fgets(line, sizeof(line), file)) {
		name = parse_line(line, &sym.addr, &module);
		if (!name)
			continue;
		strcpy(sym.name, name);
		snprintf(sym.module, sizeof(sym.module), "%s", module);
		fn(ctx, &sym);
	}
	if (file)
		fclose(file);
}

static void consider_symbol(void *ctx, const struct kapsel_symbol *sym)
{
	struct found *found = ctx;

	consider(found, sym->name, distance(found->wanted, sym->name));
}

u32 kapsel_symbols_like(const char *kallsyms, const char *name,
			char (*names)[KAPSEL_TARGET_LEN], u32 room)
{
	const char *colon = strchr(name, ':');
	struct found found = {
		.wanted = colon ? colon + 1 : name, .names = names,
		.room = min_t(u32, room, ARRAY_SIZE(found.far)),
	};

	kl_each_symbol(kallsyms, consider_symbol, &found);
	return found.count;
}

/** struct namesakes - functions of one name */
struct namesakes {
	const char *name;
	const char *module;
	size_t module_len;
	struct kapsel_symbol *list;
	u32 room;
	u32 count;
};

static void compare_name(void *ctx, const struct kapsel_symbol *sym)
{
	struct namesakes *same = ctx;

	if (strcmp(sym->name, same->name))
		return;
	if (same->module && (strlen(sym->module) != same->module_len ||
			     strncmp(sym->module, same->module, same->module_len)))
		return;
	if (same->count < same->room)
		same->list[same->count] = *sym;
	same->count++;
}

u32 kapsel_symbols_named(const char *kallsyms, const char *name,
			 struct kapsel_symbol *list, u32 room)
{
	const char *colon = strchr(name, ':');
	struct namesakes same = {
		.name = colon ? colon + 1 : name, .module = colon ? name : NULL,
		.module_len = colon ? colon - name : 0, .list = list, .room = room,
	};

	kl_each_symbol(kallsyms, compare_name, &same);
	return same.count;
}

/** struct place - a function that is looked for by its address */
struct place {
	u64 addr;
	struct kapsel_symbol *sym;
	bool found;
};

static void compare_addr(void *ctx, const struct kapsel_symbol *sym)
{
	struct place *place = ctx;

	if (place->found || sym->addr != place->addr)
		return;
	*place->sym = *sym;
	place->found = true;
}

bool kapsel_symbol_at(const char *kallsyms, u64 addr, struct kapsel_symbol *sym)
{
	struct place place = { .addr = addr, .sym = sym };

	if (addr)
		kl_each_symbol(kallsyms, compare_addr, &place);
	return place.found;
}

void kl_hint_names(const char *kallsyms, const char *target, struct kapsel_error *err)
{
	char names[4][KAPSEL_TARGET_LEN];
	u32 count = kapsel_symbols_like(kallsyms, target, names, ARRAY_SIZE(names)), i;
	char text[320] = "";
	size_t len = 0;

	for (i = 0; i < count && len < sizeof(text); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
				names[i]);
	if (count)
		kl_hint(err, "similar names: %s", text);
}

#define SHOWN_NAMESAKES 4

/* "kprobe:NAME@ADDR (module)", in the words of a hook. */
static size_t candidate_text(const struct kapsel_hook *hook, const struct kapsel_symbol *sym,
			     char *buf, size_t size)
{
	struct kapsel_hook one = *hook;
	char words[KAPSEL_TARGET_LEN + 60];

	one.addr = sym->addr;
	return snprintf(buf, size, "%s (%s)", kapsel_hook_format(&one, words, sizeof(words)),
			sym->module[0] ? sym->module : "the kernel");
}

static void list_candidates(const struct kapsel_hook *hook, const struct kapsel_symbol *list,
			    u32 count, struct kapsel_error *err)
{
	char text[sizeof(err->hint)];
	size_t len = 0;
	u32 i;

	for (i = 0; i < count && i < SHOWN_NAMESAKES && len < sizeof(text); i++) {
		len += snprintf(text + len, sizeof(text) - len, "%s", i ? ", " : "");
		if (len < sizeof(text))
			len += candidate_text(hook, &list[i], text + len, sizeof(text) - len);
	}
	if (i < count && len < sizeof(text))
		snprintf(text + len, sizeof(text) - len, " and %u more", count - i);
	kl_hint(err, "%s: %s", list[0].addr ? "say which" :
		"say which (MODULE:NAME, or NAME@ADDR; root sees the addresses)", text);
}

int kapsel_hook_check(const struct kapsel_hook *hook, const char *kallsyms,
		      struct kapsel_error *err)
{
	struct kapsel_symbol list[SHOWN_NAMESAKES];
	char words[KAPSEL_TARGET_LEN + 60];
	u32 count;

	if (hook->hook == KAPSEL_HOOK_NETFILTER || hook->addr || kapsel_hook_is_multi(hook))
		return 0;
	count = kapsel_symbols_named(kallsyms, hook->target, list, ARRAY_SIZE(list));
	if (count < 2)
		return 0;
	kl_fail(err, -EADDRNOTAVAIL, "cannot attach to %s: KA007: %u functions have this name",
		kapsel_hook_format(hook, words, sizeof(words)), count);
	if (err)
		err->code = KPS_D_AMBIGUOUS;
	list_candidates(hook, list, count, err);
	return -EADDRNOTAVAIL;
}
