/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's spelling of the same header */
#include <linux/btf.h>
