// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - captured packets: pcap and pcapng files */

#include <errno.h>
#include <string.h>

#include <linux/kernel.h>

#include "internal.h"
#include "pcap_link.h"

#define PCAP_MAGIC	0xa1b2c3d4	/* microseconds */
#define PCAP_MAGIC_NS	0xa1b23c4d
#define PCAP_HEAD	24
#define PCAP_RECORD	16

#define NG_MAGIC	0x1a2b3c4d
#define NG_FRAME	12	/* type and length, and the length again at the end */

/* Types of blocks; the first reads the same in both byte orders. */
#define NG_SECTION	0x0a0d0d0a
#define NG_INTERFACE	1
#define NG_OLD_PACKET	2
#define NG_SIMPLE	3
#define NG_ENHANCED	6

static u32 read32(const struct kapsel_pcap *pcap, size_t at)
{
	u32 value;

	memcpy(&value, pcap->data + at, sizeof(value));
	return pcap->swapped ? __builtin_bswap32(value) : value;
}

static u16 read16(const struct kapsel_pcap *pcap, size_t at)
{
	u16 value;

	memcpy(&value, pcap->data + at, sizeof(value));
	return pcap->swapped ? __builtin_bswap16(value) : value;
}

static size_t left(const struct kapsel_pcap *pcap)
{
	return pcap->size - pcap->at;
}

static int malformed(const struct kapsel_pcap *pcap, struct kapsel_error *err)
{
	return kl_fail(err, -EINVAL, "the %s file is cut off or damaged at byte %zu, after %u packets",
		       pcap->ng ? "pcapng" : "pcap", pcap->at, pcap->number);
}

/* ------------------------------------------------------------------------
 * Beginning
 */
static bool is_pcap(u32 magic)
{
	return magic == PCAP_MAGIC || magic == PCAP_MAGIC_NS;
}

static u32 magic_of(const void *data, size_t size)
{
	u32 magic = 0;

	if (size >= sizeof(magic))
		memcpy(&magic, data, sizeof(magic));
	return magic;
}

bool kapsel_is_pcap(const void *data, size_t size)
{
	u32 magic = magic_of(data, size);

	return is_pcap(magic) || is_pcap(__builtin_bswap32(magic)) || magic == NG_SECTION;
}

static int add_link(struct kapsel_pcap *pcap, u32 link, u32 snap, struct kapsel_error *err)
{
	if (pcap->nr_links == KAPSEL_PCAP_INTERFACES)
		return kl_fail(err, -ENOTSUP, "the pcapng file has more than %d interfaces",
			       KAPSEL_PCAP_INTERFACES);
	pcap->links[pcap->nr_links] = link;
	pcap->snaps[pcap->nr_links++] = snap;
	return 0;
}

int kapsel_pcap_open(struct kapsel_pcap *pcap, const void *data, size_t size,
		     struct kapsel_error *err)
{
	u32 magic = magic_of(data, size);

	*pcap = (struct kapsel_pcap){
		.data = data, .size = size, .ng = magic == NG_SECTION,
		.swapped = is_pcap(__builtin_bswap32(magic)),
	};
	if (pcap->ng)
		return 0;
	if (!kapsel_is_pcap(data, size))
		return kl_fail(err, -EINVAL, "this is no pcap file");
	if (size < PCAP_HEAD)
		return malformed(pcap, err);
	pcap->at = PCAP_HEAD;
	/* Above the link type is the length of a checksum that frames may end in. */
	return add_link(pcap, read32(pcap, 20) & 0xffff, 0, err);
}

/* ------------------------------------------------------------------------
 * Packets
 */
static int take(struct kapsel_pcap *pcap, u32 link, size_t from, u32 len, u32 whole,
		struct kapsel_packet *packet, struct kapsel_error *err)
{
	*packet = (struct kapsel_packet){ .number = ++pcap->number };
	if (!kl_link_open(link, pcap->data + from, len, whole, packet))
		return kl_fail(err, -ENOTSUP, "packet %u is of link type %u, which kapsel does not know",
			       pcap->number, link);
	return 1;
}

static int next_record(struct kapsel_pcap *pcap, struct kapsel_packet *packet,
		       struct kapsel_error *err)
{
	size_t at = pcap->at;
	u32 len;

	if (!left(pcap))
		return 0;
	if (left(pcap) < PCAP_RECORD)
		return malformed(pcap, err);
	len = read32(pcap, at + 8);
	if (len > left(pcap) - PCAP_RECORD)
		return malformed(pcap, err);
	pcap->at += PCAP_RECORD + (size_t)len;
	return take(pcap, pcap->links[0], at + PCAP_RECORD, len, read32(pcap, at + 12), packet,
		    err);
}

/**
 * struct block - of a pcapng file
 * @type: NG_*
 * @at: what is in it
 * @len: of that
 */
struct block {
	u32 type;
	size_t at;
	u32 len;
};

/* A section says in which byte order it is, from its own length on. */
static bool enter_section(struct kapsel_pcap *pcap)
{
	if (left(pcap) < NG_FRAME + 16)
		return false;
	pcap->nr_links = 0;
	pcap->swapped = false;
	if (read32(pcap, pcap->at + 8) == NG_MAGIC)
		return true;
	pcap->swapped = true;
	return read32(pcap, pcap->at + 8) == NG_MAGIC;
}

static int next_block(struct kapsel_pcap *pcap, struct block *block, struct kapsel_error *err)
{
	u32 len;

	if (!left(pcap))
		return 0;
	if (left(pcap) < NG_FRAME)
		return malformed(pcap, err);
	block->type = read32(pcap, pcap->at);
	if (block->type == NG_SECTION && !enter_section(pcap))
		return malformed(pcap, err);
	len = read32(pcap, pcap->at + 4);
	if (len < NG_FRAME || len % 4 || len > left(pcap) ||
	    read32(pcap, pcap->at + len - 4) != len)
		return malformed(pcap, err);
	block->at = pcap->at + 8;
	block->len = len - NG_FRAME;
	pcap->at += len;
	return 1;
}

static int add_interface(struct kapsel_pcap *pcap, const struct block *block,
			 struct kapsel_error *err)
{
	if (block->len < 8)
		return malformed(pcap, err);
	return add_link(pcap, read16(pcap, block->at), read32(pcap, block->at + 4), err);
}

/* The enhanced one, and the old one, whose interface is a shorter number. */
static int take_packet(struct kapsel_pcap *pcap, const struct block *block,
		       struct kapsel_packet *packet, struct kapsel_error *err)
{
	u32 interface, len;

	if (block->len < 20)
		return malformed(pcap, err);
	interface = block->type == NG_ENHANCED ? read32(pcap, block->at) :
						 read16(pcap, block->at);
	len = read32(pcap, block->at + 12);
	if (interface >= pcap->nr_links || len > block->len - 20)
		return malformed(pcap, err);
	return take(pcap, pcap->links[interface], block->at + 20, len,
		    read32(pcap, block->at + 16), packet, err);
}

/* How much was captured is what the first interface keeps of a packet. */
static int take_simple(struct kapsel_pcap *pcap, const struct block *block,
		       struct kapsel_packet *packet, struct kapsel_error *err)
{
	u32 whole, len;

	if (block->len < 4 || !pcap->nr_links)
		return malformed(pcap, err);
	whole = read32(pcap, block->at);
	len = pcap->snaps[0] ? min_t(u32, whole, pcap->snaps[0]) : whole;
	if (len > block->len - 4)
		return malformed(pcap, err);
	return take(pcap, pcap->links[0], block->at + 4, len, whole, packet, err);
}

static int next_in_blocks(struct kapsel_pcap *pcap, struct kapsel_packet *packet,
			  struct kapsel_error *err)
{
	struct block block = {};
	int ret;

	while ((ret = next_block(pcap, &block, err)) > 0) {
		switch (block.type) {
		case NG_INTERFACE:
			ret = add_interface(pcap, &block, err);
			break;
		case NG_SIMPLE:
			return take_simple(pcap, &block, packet, err);
		case NG_OLD_PACKET:
		case NG_ENHANCED:
			return take_packet(pcap, &block, packet, err);
		}
		if (ret < 0)
			return ret;
	}
	return ret;
}

int kapsel_pcap_next(struct kapsel_pcap *pcap, struct kapsel_packet *packet,
		     struct kapsel_error *err)
{
	return pcap->ng ? next_in_blocks(pcap, packet, err) : next_record(pcap, packet, err);
}
