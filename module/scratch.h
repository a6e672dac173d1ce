/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - memory of the verifier while it works */
#ifndef KPS_SCRATCH_H
#define KPS_SCRATCH_H

#include <linux/types.h>

/**
 * kps_scratch_alloc - memory with anything in it
 * @priv: ignored; the function is a callback of struct kps_host
 * @size: bytes
 *
 * Charged to the caller's cgroup; may sleep. Return: the memory, or NULL.
 */
void *kps_scratch_alloc(void *priv, size_t size);

/** kps_scratch_free - give it back; @size as it was asked for */
void kps_scratch_free(void *priv, void *mem, size_t size);

/** kps_scratch_init - the module comes: 0 or -ENOMEM */
int kps_scratch_init(void);

/** kps_scratch_exit - the module goes; nothing is in use any more */
void kps_scratch_exit(void);

#endif
