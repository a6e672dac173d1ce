/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: offsets of members */
#ifndef KPS_SHIM_STDDEF_H
#define KPS_SHIM_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#endif
