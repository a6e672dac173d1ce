// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - which functions a stub may go around */

#include <linux/kernel.h>
#include <linux/kernel_read_file.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/kapsel.h>

#include "link.h"
#include "core/signature.h"
#include "hooks/symbols.h"
#include "hooks/wrappable.h"

#define BTF_FILE	"/sys/kernel/btf/vmlinux"
#define MAX_BTF		(256 << 20)

#define KPS_UNWRAPPABLE(name)	name,
static const char * const denied[] = {
#include "hooks/unwrappable.tbl"
};

#undef KPS_UNWRAPPABLE

/* Learned when it is first asked for: it takes a while, and the kernel's do not change. */
static struct kps_names shared;

static bool matches(const char *row, const char *name)
{
	size_t len = strlen(row), has = strlen(name);

	if (row[len - 1] == '*')
		return !strncmp(row, name, len - 1);
	if (row[0] == '*')
		return has >= len - 1 && !strcmp(row + 1, name + has - (len - 1));
	return !strcmp(row, name);
}

static bool is_denied(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(denied); i++)
		if (matches(denied[i], name))
			return true;
	return false;
}

static u32 check_name(const char *name, unsigned long addr)
{
	if (is_denied(name))
		return KAPSEL_UNWRAPPED_STAYS;
	/* The compiler made it of another one, and chose how it is called. */
	if (strchr(name, '.'))
		return KAPSEL_UNWRAPPED_TYPE;
	if (!shared.hashes && kps_names_learn(&shared, addr))
		return KAPSEL_UNWRAPPED_MEMORY;
	return kps_names_has(&shared, name) ? KAPSEL_UNWRAPPED_NAME : 0;
}

/* By init's view of the file system: a caller's own may show another file there. */
static u32 check_signature(const char *name)
{
	void *btf = NULL;
	ssize_t size = kernel_read_file_from_path_initns(BTF_FILE, 0, &btf, MAX_BTF, NULL,
							 READING_UNKNOWN);
	enum kps_signature is = KPS_SIGNATURE_UNKNOWN;

	if (size == -ENOMEM)
		return KAPSEL_UNWRAPPED_MEMORY;
	if (size > 0)
		is = kps_signature_find(btf, size, name);
	vfree(btf);
	switch (is) {
	case KPS_SIGNATURE_REGISTERS:
		return KAPSEL_UNWRAPPED_NOT;
	case KPS_SIGNATURE_MEMORY:
		return KAPSEL_UNWRAPPED_ARGS;
	case KPS_SIGNATURE_UNKNOWN:
		break;
	}
	return KAPSEL_UNWRAPPED_TYPE;
}

u32 kps_unwrappable(const struct kps_site *site, const char *name)
{
	struct kps_symbol symbol;

	if (!site->traced)
		return KAPSEL_UNWRAPPED_ENTRY;
	if (!kps_symbol_at(site->ip, &symbol))
		return KAPSEL_UNWRAPPED_MODULE;
	if (is_denied(name))
		return KAPSEL_UNWRAPPED_STAYS;
	return check_name(symbol.name, site->ip) ?: check_signature(symbol.name);
}

void kps_unwrappable_exit(void)
{
	kvfree(shared.hashes);
}
