/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: integer types by their short names */
#ifndef KPS_SHIM_TYPES_H
#define KPS_SHIM_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/compiler.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#endif
