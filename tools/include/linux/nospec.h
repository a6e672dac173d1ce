/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: what a processor guesses is the kernel's worry */
#ifndef KPS_SHIM_NOSPEC_H
#define KPS_SHIM_NOSPEC_H

#define array_index_nospec(index, size)	((void)(size), (index))

#endif
