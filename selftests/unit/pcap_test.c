// SPDX-License-Identifier: GPL-2.0-only
/* Captured files: every form of them, cut off and damaged ones */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"

#define PCAP_US		0xa1b2c3d4
#define PCAP_NS		0xa1b23c4d
#define ROOM		1024
#define PACKET		28	/* a UDP packet without anything in it */

/* A file in the making, in this byte order or the other. */
FIXTURE(pcap)
{
	unsigned char file[ROOM];
	unsigned char seen[ROOM];
	size_t size;
	bool swapped;
	size_t block;
	struct kapsel_pcap pcap;
	struct kapsel_packet packet;
	struct kapsel_error err;
};

FIXTURE_VARIANT(pcap)
{
	bool swapped;
};

FIXTURE_VARIANT_ADD(pcap, our_order)
{
	.swapped = false,
};

FIXTURE_VARIANT_ADD(pcap, other_order)
{
	.swapped = true,
};

FIXTURE_SETUP(pcap)
{
	memset(self, 0, sizeof(*self));
	self->swapped = variant->swapped;
}

FIXTURE_TEARDOWN(pcap)
{
}

static void put(FIXTURE_DATA(pcap) * f, const void *bytes, size_t size)
{
	if (f->size + size > ROOM)
		abort();
	memcpy(f->file + f->size, bytes, size);
	f->size += size;
}

static void put32(FIXTURE_DATA(pcap) * f, __u32 value)
{
	value = f->swapped ? __builtin_bswap32(value) : value;
	put(f, &value, sizeof(value));
}

static void put16(FIXTURE_DATA(pcap) * f, __u16 value)
{
	value = f->swapped ? __builtin_bswap16(value) : value;
	put(f, &value, sizeof(value));
}

/* ------------------------------------------------------------------------
 * pcap
 */
static void begin(FIXTURE_DATA(pcap) * f, __u32 magic, __u32 link)
{
	f->size = 0;
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

static void put_record(FIXTURE_DATA(pcap) * f, const void *frame, __u32 size, __u32 whole)
{
	put32(f, 1);
	put32(f, 2);
	put32(f, size);
	put32(f, whole);
	put(f, frame, size);
}

/* A frame: what the link puts before it, and a packet of IPv4 or IPv6. */
static __u32 make_frame(unsigned char *frame, const void *before, __u32 len, bool six)
{
	unsigned char *ip = frame + len;

	memset(frame, 0, len + 48);
	memcpy(frame, before, len);
	if (six) {
		ip[0] = 0x60;
		ip[5] = 8;
		return len + 48;
	}
	ip[0] = 0x45;
	ip[3] = PACKET;
	ip[9] = 17;
	return len + PACKET;
}

/* Opens a copy that ends where the file does. */
static int next_of(FIXTURE_DATA(pcap) * f, void *copy, size_t size)
{
	if (!f->pcap.data) {
		int ret = kapsel_pcap_open(&f->pcap, copy, size, &f->err);

		if (ret)
			return ret;
	}
	return kapsel_pcap_next(&f->pcap, &f->packet, &f->err);
}

/* Packets of IP in a file; -errno if it does not end well. */
static int count(FIXTURE_DATA(pcap) * f, size_t size)
{
	unsigned char *copy = malloc(size ?: 1);
	int ret, found = 0;

	memcpy(copy, f->file, size);
	memset(&f->pcap, 0, sizeof(f->pcap));
	while ((ret = next_of(f, copy, size)) > 0) {
		found += !!f->packet.data;
		if (!f->packet.data)
			continue;
		/* Every byte of it is there. */
		memcpy(f->seen, f->packet.data, f->packet.size);
	}
	free(copy);
	return ret < 0 ? ret : found;
}

static const struct link {
	__u32 link;
	__u32 len;
	unsigned char before[24];
	bool six;
	bool none;
} links[] = {
	{ 0, 4, { 2 }, false, false },
	{ 0, 4, { 0, 0, 0, 30 }, true, false },
	{ 1, 14, { [12] = 8, 0 }, false, false },
	{ 1, 14, { [12] = 0x86, 0xdd }, true, false },
	{ 1, 18, { [12] = 0x81, 0, 0, 1, 8, 0 }, false, false },
	{ 1, 22, { [12] = 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x86, 0xdd }, true, false },
	{ 1, 14, { [12] = 8, 6 }, false, true },
	{ 12, 0, { 0 }, false, false },
	{ 14, 0, { 0 }, true, false },
	{ 101, 0, { 0 }, false, false },
	{ 101, 0, { 0 }, true, false },
	{ 108, 4, { 0, 0, 0, 2 }, false, false },
	{ 113, 16, { [14] = 8, 0 }, false, false },
	{ 113, 16, { [14] = 8, 6 }, false, true },
	{ 228, 0, { 0 }, false, false },
	{ 229, 0, { 0 }, true, false },
	{ 276, 20, { 0x86, 0xdd }, true, false },
	{ 276, 20, { 8, 6 }, false, true },
};

TEST_F(pcap, every_kind_of_link)
{
	static const __u32 magics[] = { PCAP_US, PCAP_NS };
	unsigned char frame[80];

	for (size_t i = 0; i < ARRAY_SIZE(links) * ARRAY_SIZE(magics); i++) {
		const struct link *link = &links[i / 2];
		__u32 size = make_frame(frame, link->before, link->len, link->six);

		begin(self, magics[i % 2], link->link);
		put_record(self, frame, size, size);
		put_record(self, frame, size, size);
		EXPECT_TRUE(kapsel_is_pcap(self->file, self->size));
		EXPECT_EQ(link->none ? 0 : 2, count(self, self->size)) {
			TH_LOG("link type %u: %s", link->link, self->err.text);
		}
		EXPECT_EQ(2, self->packet.number);
		EXPECT_EQ(link->none ? 0 : size - link->len, self->packet.size);
		EXPECT_EQ(0, self->packet.cut);
	}
}

TEST_F(pcap, links_that_are_not_known)
{
	unsigned char frame[80];
	__u32 size = make_frame(frame, "", 0, false);

	begin(self, PCAP_US, 105);
	put_record(self, frame, size, size);
	EXPECT_EQ(-ENOTSUP, count(self, self->size));
	EXPECT_TRUE(strstr(self->err.text, "105"));
}

/* A checksum's length above the link type says nothing about that. */
TEST_F(pcap, frames_with_checksums)
{
	unsigned char frame[80];
	__u32 size = make_frame(frame, links[2].before, 14, false);

	begin(self, PCAP_US, 1 | 0x24000000);
	put_record(self, frame, size + 4, size + 4);
	EXPECT_EQ(1, count(self, self->size));
	EXPECT_EQ(PACKET, self->packet.size);
}

TEST_F(pcap, padding_and_what_was_not_captured)
{
	unsigned char frame[80];

	make_frame(frame, links[2].before, 14, false);
	begin(self, PCAP_US, 1);
	put_record(self, frame, 60, 60);
	EXPECT_EQ(1, count(self, self->size));
	EXPECT_EQ(PACKET, self->packet.size);
	EXPECT_EQ(0, self->packet.cut);
	begin(self, PCAP_US, 1);
	put_record(self, frame, 14 + 24, 60);
	EXPECT_EQ(1, count(self, self->size));
	EXPECT_EQ(24, self->packet.size);
	EXPECT_EQ(PACKET - 24, self->packet.cut);
	/* Not even the link's part. */
	begin(self, PCAP_US, 1);
	put_record(self, frame, 13, 60);
	put_record(self, frame, 0, 60);
	EXPECT_EQ(0, count(self, self->size));
}

/* ------------------------------------------------------------------------
 * pcapng
 */
static void begin_block(FIXTURE_DATA(pcap) * f, __u32 type)
{
	f->block = f->size;
	put32(f, type);
	put32(f, 0);
}

static void end_block(FIXTURE_DATA(pcap) * f)
{
	__u32 len;

	while (f->size % 4)
		put(f, "", 1);
	len = f->size + 4 - f->block;
	put32(f, len);
	memcpy(f->file + f->block + 4, f->file + f->size - 4, 4);
}

static void section(FIXTURE_DATA(pcap) * f)
{
	begin_block(f, 0x0a0d0d0a);
	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put32(f, -1);
	put32(f, -1);
	end_block(f);
}

static void interface(FIXTURE_DATA(pcap) * f, __u16 link, __u32 snap)
{
	begin_block(f, 1);
	put16(f, link);
	put16(f, 0);
	put32(f, snap);
	end_block(f);
}

static void enhanced(FIXTURE_DATA(pcap) * f, __u32 type, __u32 interface, const void *frame,
		     __u32 size)
{
	begin_block(f, type);
	if (type == 6) {
		put32(f, interface);
	} else {
		put16(f, interface);
		put16(f, 0);
	}
	put32(f, 0);
	put32(f, 0);
	put32(f, size);
	put32(f, size);
	put(f, frame, size);
	end_block(f);
}

static void simple(FIXTURE_DATA(pcap) * f, const void *frame, __u32 size, __u32 whole)
{
	begin_block(f, 3);
	put32(f, whole);
	put(f, frame, size);
	end_block(f);
}

/* Two sections, of which the second one is in the other byte order. */
static void make_ng(FIXTURE_DATA(pcap) * f)
{
	unsigned char frame[80], raw[80];
	__u32 size = make_frame(frame, links[2].before, 14, false);
	__u32 raw_size = make_frame(raw, "", 0, true);

	section(f);
	interface(f, 1, 40);
	interface(f, 101, 0);
	enhanced(f, 6, 0, frame, size);
	enhanced(f, 6, 1, raw, raw_size);
	enhanced(f, 2, 1, raw, raw_size);
	simple(f, frame, 40, 60);
	begin_block(f, 5);
	put32(f, 0);
	end_block(f);
	f->swapped = !f->swapped;
	section(f);
	interface(f, 101, 0);
	enhanced(f, 6, 0, raw, raw_size);
	simple(f, raw, raw_size, raw_size);
}

TEST_F(pcap, blocks)
{
	make_ng(self);
	EXPECT_TRUE(kapsel_is_pcap(self->file, self->size));
	EXPECT_EQ(6, count(self, self->size)) {
		TH_LOG("%s", self->err.text);
	}
	EXPECT_EQ(6, self->packet.number);
	EXPECT_EQ(48, self->packet.size);
}

TEST_F(pcap, interfaces_that_are_not_there)
{
	unsigned char raw[80];
	__u32 size = make_frame(raw, "", 0, false);

	section(self);
	simple(self, raw, size, size);
	EXPECT_EQ(-EINVAL, count(self, self->size));
	self->size = 0;
	section(self);
	interface(self, 101, 0);
	enhanced(self, 6, 1, raw, size);
	EXPECT_EQ(-EINVAL, count(self, self->size));
	self->size = 0;
	section(self);
	for (int i = 0; i <= KAPSEL_PCAP_INTERFACES && self->size + 60 < ROOM; i++)
		interface(self, 101, 0);
	EXPECT_EQ(0, count(self, self->size));
}

/* ------------------------------------------------------------------------
 * Files that are wrong
 */
static void make_pcap(FIXTURE_DATA(pcap) * f)
{
	unsigned char frame[80];
	__u32 size = make_frame(frame, links[2].before, 14, false);

	begin(f, PCAP_NS, 1);
	for (int i = 0; i < 3; i++)
		put_record(f, frame, size, size);
}

/* Packets before the end are there, and nothing behind it is read. */
TEST_F(pcap, cut_off_anywhere)
{
	size_t record;

	make_pcap(self);
	record = (self->size - 24) / 3;
	for (size_t cut = 4; cut < self->size; cut++) {
		int want = cut >= 24 && (cut - 24) % record == 0 ? (int)((cut - 24) / record) :
								  -EINVAL;

		EXPECT_EQ(want, count(self, cut));
		EXPECT_EQ(cut < 24 ? 0 : (cut - 24) / record, self->pcap.number);
	}
	EXPECT_FALSE(kapsel_is_pcap(self->file, 3));
	EXPECT_EQ(-EINVAL, kapsel_pcap_open(&self->pcap, self->file, 3, &self->err));
	self->size = 0;
	make_ng(self);
	for (size_t cut = 4; cut < self->size; cut++)
		EXPECT_GT(6, count(self, cut));
}

/* Whatever a byte is: no crash, no read outside, and an end. */
TEST_F(pcap, changed_anywhere)
{
	for (int ng = 0; ng < 2; ng++) {
		self->size = 0;
		self->swapped = variant->swapped;
		if (ng)
			make_ng(self);
		else
			make_pcap(self);
		for (size_t at = 0; at < self->size; at++) {
			unsigned char was = self->file[at];

			for (int value = 0; value < 256; value++) {
				self->file[at] = value;
				EXPECT_GE(64, count(self, self->size));
			}
			self->file[at] = was;
		}
	}
}

/* Lengths that add up to less than they say. */
TEST_F(pcap, lengths_that_wrap)
{
	static const __u32 sizes[] = { -1, -4, -12, -16, -20, 0, 4, 8, 11, 0x7fffffff, 0x80000000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin(self, PCAP_US, 1);
		put32(self, 0);
		put32(self, 0);
		put32(self, sizes[i]);
		put32(self, sizes[i]);
		EXPECT_EQ(sizes[i] ? -EINVAL : 0, count(self, self->size));
		self->size = 0;
		section(self);
		put32(self, 6);
		put32(self, sizes[i]);
		put32(self, sizes[i]);
		EXPECT_EQ(-EINVAL, count(self, self->size));
	}
}

TEST_HARNESS_MAIN
