/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - memory for map types */
#ifndef KPS_AREA_H
#define KPS_AREA_H

#include <linux/compiler_types.h>
#include <linux/types.h>

/** kps_area_alloc - zeroed memory of any size for kvfree(), or NULL */
void *kps_area_alloc(u64 size);

/** kps_percpu_fits - can there be a per-CPU value of @size bytes? */
bool kps_percpu_fits(u32 size);

/** kps_percpu_alloc - a zeroed per-CPU value for free_percpu(), or NULL */
void __percpu *kps_percpu_alloc(u32 size);

/** kps_percpu_read - gather a value: all CPUs', each rounded up to 8 bytes */
void kps_percpu_read(void *to, void __percpu *from, u32 size);

/** kps_percpu_write - the reverse */
void kps_percpu_write(void __percpu *to, const void *from, u32 size);

/** kps_percpu_user_size - bytes that a gathered value takes */
u32 kps_percpu_user_size(u32 size);

#endif
