/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: offsets of members */
#ifndef KPS_SHIM_STDDEF_H
#define KPS_SHIM_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#ifndef sizeof_field
#define sizeof_field(type, name)	sizeof(((type *)0)->name)
#endif
#ifndef offsetofend
#define offsetofend(type, name)	(offsetof(type, name) + sizeof_field(type, name))
#endif

#endif
