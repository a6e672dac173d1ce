/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - what kinds of link put before a packet */
#ifndef KL_PCAP_LINK_H
#define KL_PCAP_LINK_H

#include "internal.h"

/**
 * kl_link_open - find the IP packet in a frame
 * @link: LINKTYPE_*
 * @frame: as captured
 * @len: bytes of it
 * @whole: bytes that it had
 * @packet: @data, @size and @cut are filled; @data is NULL if there is no IP in it
 *
 * Return: whether the kind of link is known.
 */
bool kl_link_open(u32 link, const unsigned char *frame, u32 len, u32 whole,
		  struct kapsel_packet *packet);

#endif
