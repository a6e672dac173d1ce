// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the kernel's own symbols, by address */

#include <linux/bsearch.h>
#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "hooks/symbols.h"

/* The kernel tells symbols by printing them: "name+0x1/0x20", of modules "... [name]". */
bool kps_symbol_at(unsigned long addr, struct kps_symbol *symbol)
{
	unsigned long offset;
	char *plus;

	sprint_symbol(symbol->name, addr);
	plus = strrchr(symbol->name, '+');
	if (!plus || strchr(plus, '[') ||
	    sscanf(plus, "+0x%lx/0x%lx", &offset, &symbol->size) != 2)
		return false;
	*plus = '\0';
	symbol->start = addr - offset;
	return symbol->size;
}

/**
 * struct walk - the hashes of all names so far
 * @hashes: of them
 * @count: how many
 * @room: for how many
 */
struct walk {
	u32 *hashes;
	u32 count;
	u32 room;
};

#define FIRST_ROOM	131072

static int grow(struct walk *walk)
{
	u32 room = walk->room ? 2 * walk->room : FIRST_ROOM;
	u32 *hashes = kvmalloc_array(room, sizeof(*hashes), GFP_KERNEL_ACCOUNT);

	if (!hashes)
		return -ENOMEM;
	if (walk->count)
		memcpy(hashes, walk->hashes, walk->count * sizeof(*hashes));
	kvfree(walk->hashes);
	walk->hashes = hashes;
	walk->room = room;
	return 0;
}

static u32 hash(const char *name)
{
	return jhash(name, strlen(name), 0);
}

static int add(struct walk *walk, const char *name)
{
	int err = walk->count == walk->room ? grow(walk) : 0;

	if (!err)
		walk->hashes[walk->count++] = hash(name);
	return err;
}

/* From an address on, up or down, as far as there are symbols. */
static int walk_from(struct walk *walk, unsigned long addr, bool up)
{
	struct kps_symbol symbol;
	int err = 0;

	while (!err && kps_symbol_at(addr, &symbol)) {
		err = fatal_signal_pending(current) ? -EINTR : add(walk, symbol.name);
		addr = up ? symbol.start + symbol.size : symbol.start - 1;
		cond_resched();
	}
	return err;
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* Leaves one of each that there are several of. */
static void keep_repeated(struct walk *walk)
{
	u32 i, kept = 0;

	for (i = 1; i < walk->count; i++)
		if (walk->hashes[i] == walk->hashes[i - 1] &&
		    (!kept || walk->hashes[kept - 1] != walk->hashes[i]))
			walk->hashes[kept++] = walk->hashes[i];
	walk->count = kept;
}

int kps_names_learn(struct kps_names *names, unsigned long inside)
{
	struct walk walk = {};
	struct kps_symbol here;
	int err = -ENOENT;

	if (kps_symbol_at(inside, &here))
		err = walk_from(&walk, inside, true) ?:
		      walk_from(&walk, here.start - 1, false);
	if (!err) {
		sort(walk.hashes, walk.count, sizeof(*walk.hashes), by_number, NULL);
		keep_repeated(&walk);
		names->hashes = kvmalloc_array(max(walk.count, 1u), sizeof(*walk.hashes),
					       GFP_KERNEL);
		names->count = walk.count;
		err = names->hashes ? 0 : -ENOMEM;
	}
	if (!err)
		memcpy(names->hashes, walk.hashes, walk.count * sizeof(*walk.hashes));
	kvfree(walk.hashes);
	return err;
}

bool kps_names_has(const struct kps_names *names, const char *name)
{
	u32 key = hash(name);

	return bsearch(&key, names->hashes, names->count, sizeof(key), by_number);
}
