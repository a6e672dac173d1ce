// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - what kinds of link put before a packet */

#include <linux/kernel.h>

#include "pcap_link.h"

/* https://www.tcpdump.org/linktypes.html */
#define LINK_NULL	0	/* 4 bytes: the family, in the byte order of who captured */
#define LINK_ETHERNET	1
#define LINK_RAW_BSD	12
#define LINK_RAW_OPEN	14	/* what OpenBSD calls it */
#define LINK_RAW	101
#define LINK_LOOP	108	/* as NULL, in network byte order */
#define LINK_COOKED	113
#define LINK_IPV4	228
#define LINK_IPV6	229
#define LINK_COOKED2	276

#define PROTO_IPV4	0x0800
#define PROTO_IPV6	0x86dd
#define PROTO_VLAN	0x8100
#define PROTO_QINQ	0x88a8

#define MIN_HEADER	20	/* of IP */

/**
 * struct kind - a kind of link
 * @link: LINK_*
 * @len: bytes before the packet
 * @proto: where among them the protocol is; -1: nowhere, it is IP or it is not
 */
static const struct kind {
	u32 link;
	u32 len;
	int proto;
} kinds[] = {
	{ LINK_NULL, 4, -1 },
	{ LINK_ETHERNET, 14, 12 },
	{ LINK_RAW_BSD, 0, -1 },
	{ LINK_RAW_OPEN, 0, -1 },
	{ LINK_RAW, 0, -1 },
	{ LINK_LOOP, 4, -1 },
	{ LINK_COOKED, 16, 14 },
	{ LINK_IPV4, 0, -1 },
	{ LINK_IPV6, 0, -1 },
	{ LINK_COOKED2, 20, 0 },
};

static const struct kind *find_kind(u32 link)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].link == link)
			return &kinds[i];
	return NULL;
}

static u32 read_be16(const unsigned char *at)
{
	return at[0] << 8 | at[1];
}

/* Behind the tags of virtual LANs, which netfilter does not see either. */
static u32 skip_tags(const unsigned char *frame, u32 len, u32 at, u32 *proto)
{
	while ((*proto == PROTO_VLAN || *proto == PROTO_QINQ) && len - at >= 4) {
		*proto = read_be16(frame + at + 2);
		at += 4;
	}
	return at;
}

/* Where IP begins; behind the frame: nowhere. */
static u32 find_ip(const struct kind *kind, const unsigned char *frame, u32 len)
{
	u32 at = kind->len, proto;

	if (len <= at || kind->proto < 0)
		return at;
	proto = read_be16(frame + kind->proto);
	at = skip_tags(frame, len, at, &proto);
	return proto == PROTO_IPV4 || proto == PROTO_IPV6 ? at : len;
}

/* Short frames are padded, and the length in the header is without that. */
static u32 length_in_header(const unsigned char *ip, u32 len)
{
	if (ip[0] >> 4 == 4 && len >= 4)
		return read_be16(ip + 2);
	if (ip[0] >> 4 == 6 && len >= 6)
		return 40 + read_be16(ip + 4);
	return 0;
}

/* Without padding; what was not captured is known of the frame, not of the packet. */
static void measure(struct kapsel_packet *packet, u32 missing)
{
	u32 said = length_in_header(packet->data, packet->size);

	/* 0 is that of packets that the network card is to split. */
	if (said >= MIN_HEADER && said <= packet->size)
		packet->size = said;
	else
		packet->cut = said ? min_t(u32, missing, said - packet->size) : missing;
}

bool kl_link_open(u32 link, const unsigned char *frame, u32 len, u32 whole,
		  struct kapsel_packet *packet)
{
	const struct kind *kind = find_kind(link);
	u32 at;

	if (!kind)
		return false;
	at = find_ip(kind, frame, len);
	if (at >= len || (frame[at] >> 4 != 4 && frame[at] >> 4 != 6))
		return true;
	packet->data = frame + at;
	packet->size = len - at;
	measure(packet, whole > len ? whole - len : 0);
	return true;
}
