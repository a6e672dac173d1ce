/* SPDX-License-Identifier: GPL-2.0-only */
/* The same work for gcc, in a module, and for clang, as eBPF: four compute kernels */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define PACKET_SIZE	1500
#define TEXT_SIZE	1024
#define MIX_ROUNDS	1000

/* An IPv4 packet with UDP in it; what is not said is zero, and nobody minds. */
#define KERNEL_PACKET { 0x45, 0, PACKET_SIZE >> 8, PACKET_SIZE & 255, 1, 2, 0x40, 0, 64, 17,	\
	0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 53, 5, 0xc8 }

static __always_inline __u64 kernel_mix(__u64 seed)
{
	__u64 x = seed | 1, sum = 0;
	__u32 i;

	for (i = 0; i < MIX_ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x * 0x9e3779b97f4a7c15ULL;
	}
	return sum;
}

/* Is it UDP to port 53, and what do its bytes sum up to? */
static __always_inline __u64 kernel_packet(const __u8 *packet)
{
	__u64 sum = 0;
	__u32 i;

	if (packet[0] != 0x45 || packet[9] != 17)
		return 0;
	if (packet[22] || packet[23] != 53)
		return 1;
	for (i = 0; i < PACKET_SIZE; i += 2)
		sum += (__u32)packet[i] << 8 | packet[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static __always_inline __u64 kernel_fnv(const __u8 *text)
{
	__u64 hash = 0xcbf29ce484222325ULL;
	__u32 i;

	for (i = 0; i < TEXT_SIZE; i++)
		hash = (hash ^ text[i]) * 0x100000001b3ULL;
	return hash;
}

#define ROTATE(x, n)	((x) << (n) | (x) >> (32 - (n)))

/* As Jenkins has it, three words a round. */
static __always_inline __u64 kernel_jenkins(const __u8 *text)
{
	__u32 a = 0xdeadbeef + TEXT_SIZE, b = a, c = a, i;
	const __u32 *word = (const __u32 *)text;

	for (i = 0; i + 2 < TEXT_SIZE / 4; i += 3) {
		a += word[i];
		b += word[i + 1];
		c += word[i + 2];
		a -= c; a ^= ROTATE(c, 4); c += b;
		b -= a; b ^= ROTATE(a, 6); a += c;
		c -= b; c ^= ROTATE(b, 8); b += a;
		a -= c; a ^= ROTATE(c, 16); c += b;
		b -= a; b ^= ROTATE(a, 19); a += c;
		c -= b; c ^= ROTATE(b, 4); b += a;
	}
	return c;
}

#endif
