// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - hash tables that make room: which element goes */

#include <linux/atomic.h>
#include <linux/math64.h>

#include "guard.h"
#include "maps/htab.h"

#define LOOK_AT		128	/* elements, before one that was used has to go */

/*
 * A hand goes around over the elements, as over a clock: one that was used since
 * the hand came by is spared once, the next that was not has to go. There are no
 * lists to keep, so that a program's lookup costs a byte's write at most, and
 * nothing is held while a victim is looked for: its bucket's lock is taken last,
 * and alone.
 */
static struct kps_elem *next_elem(struct kps_htab *htab)
{
	u64 at = atomic64_fetch_inc(&htab->hand), rest;

	div64_u64_rem(at, htab->nr_elems, &rest);
	return htab->elems + rest * htab->elem_size;
}

/* Of those that were all used, the first one. */
static struct kps_elem *find_victim(struct kps_htab *htab)
{
	struct kps_elem *elem, *first = NULL;
	int i;

	for (i = 0; i < LOOK_AT; i++) {
		elem = next_elem(htab);
		/* Its hash is read next. */
		if (!smp_load_acquire(&elem->linked))
			continue;
		if (!READ_ONCE(elem->used))
			return elem;
		WRITE_ONCE(elem->used, 0);
		first = first ?: elem;
	}
	return first;
}

/*
 * An element is linked and unlinked under the lock of the bucket that its hash
 * says, and its hash is written before it is linked: if under the lock of the
 * bucket it seems to be in it is linked and still says so, it is there.
 */
int kps_htab_evict(struct kps_htab *htab)
{
	struct kps_elem *elem = find_victim(htab);
	struct kps_bucket *bucket;
	unsigned long irq;
	int err;

	if (!elem)
		return 0;
	bucket = kps_htab_bucket(htab, READ_ONCE(elem->hash));
	err = kps_lock(&bucket->lock, &irq);
	if (err)
		return err;
	/* The same order. */
	if (smp_load_acquire(&elem->linked) &&
	    kps_htab_bucket(htab, READ_ONCE(elem->hash)) == bucket)
		kps_htab_remove_elem(htab, elem);
	kps_unlock(&bucket->lock, irq);
	return 0;
}
