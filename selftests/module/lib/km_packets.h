/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that no socket would send: of each length, with options, extension headers
 * and fragments, cut off anywhere. The same numbers give the same packets.
 */
#ifndef KM_PACKETS_H
#define KM_PACKETS_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "module/lib/km_net.h"
#include "module/lib/km_random.h"

#define KM_MAX_MADE 1280

/* One of a list. */
#define KM_PICK(seed, list) ((list)[km_random(seed) % ARRAY_SIZE(list)])

static inline __u16 km_checksum(const void *data, size_t size)
{
	const __u8 *p = data;
	__u32 sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* What looks like the beginning of TCP, UDP and ICMP, as far as there is room. */
static inline void km_make_transport(__u8 *at, size_t room, __u64 *seed)
{
	static const __u16 ports[] = { 53, 443, 999, 1000, 7777, 7901, 8000, 8001, 40000 };
	__u8 head[60];

	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = km_random(seed);
	for (int i = 0; i < 2; i++) {
		__u16 port = htons(KM_PICK(seed, ports));

		memcpy(head + 2 * i, &port, 2);
	}
	if (km_random(seed) % 4 == 0)
		head[0] = km_random(seed) % 2 ? 8 : 128;
	/* A length for UDP; for TCP data offset, flags, options: one size, one of none. */
	head[4] = 0;
	head[12] = (5 + km_random(seed) % 4) << 4;
	head[13] = km_random(seed) % 2 ? 0x02 : head[13];
	if (km_random(seed) % 2)
		memcpy(head + 20, (const __u8[]){ 1, 2, 4, 5, 180, 4, 2, 0 }, 8);
	memcpy(at, head, room < sizeof(head) ? room : sizeof(head));
	for (size_t i = sizeof(head); i < room; i++)
		at[i] = i;
}

static inline void km_make_options(__u8 *at, size_t size, __u64 *seed)
{
	memset(at, IPOPT_NOP, size);
	if (size && km_random(seed) % 2)
		memcpy(at, (const __u8[]){ IPOPT_RA, 4, 0, 0 }, 4);
}

/* An IPv4 packet of @len bytes, 20 at least, that its receiver takes for one. */
static inline void km_make4(__u8 *to, size_t len, const char *from, const char *dest,
			    __u64 *seed)
{
	static const __u8 protocols[] = {
		IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_ICMP,
		IPPROTO_GRE, IPPROTO_AH, 0, 255,
	};
	static const __u16 fragments[] = { 0, 0, 0, IP_DF, IP_MF, IP_MF | 1, 1, 185, 0x1fff };
	struct iphdr ip = {
		.version = 4, .ihl = 5, .tot_len = htons(len),
		.tos = km_random(seed) % 2 ? 46 << 2 : km_random(seed),
		.id = km_random(seed), .frag_off = htons(KM_PICK(seed, fragments)),
		.ttl = 1 + km_random(seed) % 128, .protocol = KM_PICK(seed, protocols),
		.saddr = inet_addr(from), .daddr = inet_addr(dest),
	};
	size_t most = len / 4 < 15 ? len / 4 : 15;

	if (km_random(seed) % 3 == 0)
		ip.ihl = 5 + km_random(seed) % (most - 4);
	memcpy(to, &ip, sizeof(ip));
	km_make_options(to + sizeof(ip), ip.ihl * 4 - sizeof(ip), seed);
	ip.check = km_checksum(to, ip.ihl * 4);
	memcpy(to, &ip, sizeof(ip));
	km_make_transport(to + ip.ihl * 4, len - ip.ihl * 4, seed);
}

/* An extension header as far as there is room; how long it would be. */
static inline size_t km_make_extension(__u8 *at, size_t room, __u8 type, __u8 next, __u64 *seed)
{
	static const __u16 fragments[] = { 0, 1, 1, 8, 9, 0xfff8, 6 };
	__u8 head[8] = { next, 0, 1, 4 };
	size_t size = sizeof(head);
	__u16 fragment = htons(KM_PICK(seed, fragments));

	if (type == IPPROTO_FRAGMENT) {
		memcpy(head + 2, &fragment, 2);
	} else if (type == IPPROTO_AH) {
		head[1] = 1 + km_random(seed) % 4;
		size = (head[1] + 2) * 4;
	} else if (km_random(seed) % 4 == 0) {
		head[1] = km_random(seed) % 3;
		size = (head[1] + 1) * 8;
	}
	memset(at, 0, room < size ? room : size);
	memcpy(at, head, room < sizeof(head) ? room : sizeof(head));
	return size;
}

/* An IPv6 packet of @len bytes, 40 at least, with up to four extension headers. */
static inline void km_make6(__u8 *to, size_t len, const char *from, const char *dest,
			    __u64 *seed)
{
	static const __u8 extensions[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_FRAGMENT,
		IPPROTO_DSTOPTS, IPPROTO_AH, IPPROTO_NONE,
	};
	static const __u8 protocols[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_NONE, IPPROTO_ESP,
	};
	struct ip6_hdr ip = { .ip6_plen = htons(len - sizeof(ip)),
			      .ip6_hlim = 1 + km_random(seed) % 128 };
	size_t at = sizeof(ip), number = km_random(seed) % 5;
	__u8 next = KM_PICK(seed, protocols), type = next;

	if (number)
		type = KM_PICK(seed, extensions);
	ip.ip6_flow = htonl(6 << 28 | (km_random(seed) % 2 ? 46u << 22 : 0));
	ip.ip6_nxt = type;
	inet_pton(AF_INET6, from, &ip.ip6_src);
	inet_pton(AF_INET6, dest, &ip.ip6_dst);
	memcpy(to, &ip, sizeof(ip));
	for (; number && at < len; number--) {
		__u8 behind = number > 1 ? KM_PICK(seed, extensions) : next;

		at += km_make_extension(to + at, len - at, type, behind, seed);
		type = behind;
	}
	if (at < len)
		km_make_transport(to + at, len - at, seed);
}

/* ------------------------------------------------------------------------
 * Ways to send them
 */

/**
 * struct km_wire - the far end's wire, for whole packets
 * @fd: a packet socket there
 * @to: the near end
 */
struct km_wire {
	int fd;
	struct sockaddr_ll to;
};

static inline int km_wire_open(struct km_wire *wire)
{
	struct ifreq ifr = { .ifr_name = "wire" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = ioctl(fd, SIOCGIFHWADDR, &ifr) ? -errno : 0;

	close(fd);
	if (err || km_enter(KM_FAR_NS))
		return err ?: -EIO;
	wire->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("wire"), .sll_halen = 6,
	};
	memcpy(wire->to.sll_addr, ifr.ifr_hwaddr.sa_data, 6);
	wire->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (km_enter(KM_NEAR_NS))
		return -EIO;
	return wire->fd < 0 ? -errno : 0;
}

/* Any bytes, as a packet of IPv4 or IPv6. */
static inline int km_wire_send(struct km_wire *wire, int version, const void *data, size_t len)
{
	wire->to.sll_protocol = htons(version == 6 ? 0x86dd : 0x0800);
	return sendto(wire->fd, data, len, 0, (void *)&wire->to, sizeof(wire->to)) < 0 ?
	       -errno : 0;
}

/* What the packets below are marked with. */
static __u32 km_raw_mark;

/* A packet of this namespace's own; its kernel looks at some of the header. */
static inline int km_raw_send(int version, const void *data, size_t len, const char *dest)
{
	int fd = socket(version == 6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct sockaddr_storage to;
	socklen_t size = km_addr(&to, dest, 0);
	int err;

	setsockopt(fd, SOL_SOCKET, SO_MARK, &km_raw_mark, sizeof(km_raw_mark));
	err = sendto(fd, data, len, 0, (void *)&to, size) < 0 ? -errno : 0;

	close(fd);
	return err;
}

#endif
