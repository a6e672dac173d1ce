// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - functions of the running kernel, by address */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MAX_OFFSET 0x100000	/* no function is longer */

/** struct entry - where a function begins, and its name's place in the text */
struct entry {
	u64 addr;
	size_t name;
};

/** struct kapsel_ksyms - by address, once all are read */
struct kapsel_ksyms {
	struct entry *entries;
	u32 count;
	char *text;
	size_t len;
	size_t room;
	bool failed;
};

/* Where the name is in the text, which may move. */
static bool add_text(struct kapsel_ksyms *syms, const struct kapsel_symbol *sym, size_t *at)
{
	size_t most = sizeof(sym->name) + sizeof(sym->module) + 4, room = syms->room;
	char *text;

	if (room - syms->len < most) {
		room = room * 2 + most;
		text = realloc(syms->text, room);
		if (!text)
			return false;
		syms->text = text;
		syms->room = room;
	}
	*at = syms->len;
	syms->len += 1 + sprintf(syms->text + syms->len, "%s%s%s", sym->module,
				 sym->module[0] ? ":" : "", sym->name);
	return true;
}

static void add(void *ctx, const struct kapsel_symbol *sym)
{
	struct kapsel_ksyms *syms = ctx;
	struct entry *entry;

	if (!sym->addr || syms->failed)
		return;
	entry = kl_grow(&syms->entries, syms->count, sizeof(*entry));
	if (!entry || !add_text(syms, sym, &entry->name)) {
		syms->failed = true;
		return;
	}
	entry->addr = sym->addr;
	syms->count++;
}

/* Of several at one address the first listed one counts. */
static int by_address(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->addr != right->addr)
		return left->addr < right->addr ? -1 : 1;
	return left->name < right->name ? 1 : -1;
}

struct kapsel_ksyms *kapsel_ksyms_read(const char *kallsyms)
{
	struct kapsel_ksyms *syms = calloc(1, sizeof(*syms));

	if (!syms)
		return NULL;
	kl_each_symbol(kallsyms, add, syms);
	if (syms->failed || !syms->count) {
		kapsel_ksyms_free(syms);
		return NULL;
	}
	qsort(syms->entries, syms->count, sizeof(*syms->entries), by_address);
	return syms;
}

const char *kapsel_ksyms_find(const struct kapsel_ksyms *syms, __u64 addr, __u64 *off)
{
	u32 low = 0, high = syms->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (syms->entries[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr - syms->entries[low - 1].addr >= MAX_OFFSET)
		return NULL;
	*off = addr - syms->entries[low - 1].addr;
	return syms->text + syms->entries[low - 1].name;
}

void kapsel_ksyms_free(struct kapsel_ksyms *syms)
{
	if (!syms)
		return;
	free(syms->entries);
	free(syms->text);
	free(syms);
}
