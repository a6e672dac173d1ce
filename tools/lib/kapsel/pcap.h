/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - captured packets: pcap and pcapng files; see kapsel.h */
#ifndef KAPSEL_PCAP_H
#define KAPSEL_PCAP_H

#include <stdbool.h>

#include "error.h"

#define KAPSEL_PCAP_INTERFACES 64	/* of a section of a pcapng file */

/**
 * struct kapsel_pcap - a file that is being read
 * @data: of it, the caller's
 * @size: bytes
 * @at: the next record or block
 * @number: of packets so far
 * @ng: a pcapng file
 * @swapped: numbers are in the other byte order than here
 * @links: link type of each interface; of a pcap file there is one
 * @snaps: most bytes of a packet that each kept; 0: all
 * @nr_links: how many interfaces there are
 */
struct kapsel_pcap {
	const unsigned char *data;
	size_t size;
	size_t at;
	__u32 number;
	bool ng;
	bool swapped;
	__u32 links[KAPSEL_PCAP_INTERFACES];
	__u32 snaps[KAPSEL_PCAP_INTERFACES];
	__u32 nr_links;
};

/**
 * struct kapsel_packet - a captured packet
 * @number: its place in the file, from 1
 * @data: from the IP header on; NULL: it is none of IP
 * @size: of it, without what the link padded it with
 * @cut: bytes of it that were not captured
 */
struct kapsel_packet {
	__u32 number;
	const unsigned char *data;
	__u32 size;
	__u32 cut;
};

/** kapsel_is_pcap - does a file begin as pcap or pcapng files do? */
bool kapsel_is_pcap(const void *data, size_t size);

/**
 * kapsel_pcap_open - begin to read a file
 * @pcap: filled; needs no closing
 * @data: the file, which has to stay
 * @size: bytes
 * @err: filled on failure
 *
 * Both byte orders, and any resolution of time.
 *
 * Return: 0; -EINVAL: malformed; -ENOTSUP: a kind of link that kapsel does not know.
 */
int kapsel_pcap_open(struct kapsel_pcap *pcap, const void *data, size_t size,
		     struct kapsel_error *err);

/**
 * kapsel_pcap_next - the next packet
 *
 * Return: 1: there is one; 0: that was all; -errno as of kapsel_pcap_open().
 */
int kapsel_pcap_next(struct kapsel_pcap *pcap, struct kapsel_packet *packet,
		     struct kapsel_error *err);

#endif
