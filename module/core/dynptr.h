/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - dynptrs, as they are while a program runs */
#ifndef KPS_DYNPTR_H
#define KPS_DYNPTR_H

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#define KPS_DYNPTR_SIZE	16
#define KPS_DYNPTR_MAX	0xffffff	/* bytes of memory, as in Linux */

/**
 * struct kps_dynptr - what is behind a struct bpf_dynptr
 * @data: address of the memory; 0: there is none
 * @size: of it, bytes, at most KPS_DYNPTR_MAX
 */
struct kps_dynptr {
	u64 data;
	u32 size;
	u32 __reserved;
};

static_assert(sizeof(struct kps_dynptr) == KPS_DYNPTR_SIZE);

/** kps_dynptr_set - let @ptr stand for @size bytes at @data; 0: for none */
static inline void kps_dynptr_set(struct kps_dynptr *ptr, u64 data, u32 size)
{
	*ptr = (struct kps_dynptr){ .data = data, .size = data ? size : 0 };
}

/** kps_dynptr_refused - a program asks for such a one: 0, -E2BIG or -EINVAL (flags) */
static inline int kps_dynptr_refused(u32 size, u64 flags)
{
	if (flags)
		return -EINVAL;
	return size > KPS_DYNPTR_MAX ? -E2BIG : 0;
}

/** kps_dynptr_make - a program asks for @ptr to stand for its own memory; likewise */
static inline int kps_dynptr_make(struct kps_dynptr *ptr, u64 data, u32 size, u64 flags)
{
	/* What Linux looks at first, of both. */
	int err = size > KPS_DYNPTR_MAX ? -E2BIG : kps_dynptr_refused(size, flags);

	kps_dynptr_set(ptr, err ? 0 : data, size);
	return err;
}

/** kps_dynptr_check - @len bytes at @off are there: 0, -EINVAL (no memory) or -E2BIG */
static inline int kps_dynptr_check(const struct kps_dynptr *ptr, u32 off, u32 len)
{
	if (!ptr->data)
		return -EINVAL;
	return len > ptr->size || off > ptr->size - len ? -E2BIG : 0;
}

/** kps_dynptr_read - copy @len bytes at @off to @to; 0, -EINVAL or -E2BIG: nothing copied */
static inline int kps_dynptr_read(void *to, u32 len, const struct kps_dynptr *ptr, u32 off,
				  u64 flags)
{
	int err = flags ? -EINVAL : kps_dynptr_check(ptr, off, len);

	if (!err)
		memmove(to, (void *)(unsigned long)(ptr->data + off), len);
	return err;
}

/** kps_dynptr_write - copy @len bytes from @from to @off; likewise */
static inline int kps_dynptr_write(const struct kps_dynptr *ptr, u32 off, const void *from,
				   u32 len, u64 flags)
{
	int err = flags ? -EINVAL : kps_dynptr_check(ptr, off, len);

	if (!err)
		memmove((void *)(unsigned long)(ptr->data + off), from, len);
	return err;
}

/** kps_dynptr_data - the address of @len bytes at @off, or 0: they are not there */
static inline u64 kps_dynptr_data(const struct kps_dynptr *ptr, u32 off, u32 len)
{
	return kps_dynptr_check(ptr, off, len) ? 0 : ptr->data + off;
}

#endif
