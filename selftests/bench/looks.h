/* SPDX-License-Identifier: GPL-2.0-only */
/* The same look at a packet for gcc, in a module, and for clang, as eBPF */
#ifndef BENCH_LOOKS_H
#define BENCH_LOOKS_H

#include <linux/types.h>

#define PORT	4242	/* of the bench's packets, which go over loopback */

/* As they lie in a packet, read by a little-endian machine. */
#define PORT_THERE	((PORT & 255) << 8 | PORT >> 8)
#define LOOPBACK_THERE	0x0100007f

/** struct looks - the beginning of an IPv4 packet without options, with UDP in it */
struct looks {
	__u8 version_and_words;
	__u8 tos;
	__u16 bytes;
	__u16 id;
	__u16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 header_sum;
	__u32 from;
	__u32 to;
	__u16 from_port;
	__u16 to_port;
	__u16 udp_bytes;
	__u16 sum;
};

/* Is it for the bench's receiver? */
static __always_inline _Bool looks_ours(const struct looks *at)
{
	return at->version_and_words == 0x45 && at->protocol == 17 &&
	       at->to == LOOPBACK_THERE && at->to_port == PORT_THERE;
}

#endif
