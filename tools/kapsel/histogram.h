/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - histograms by powers of two, drawn */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include "cli.h"

#define HISTOGRAM_SLOTS 64

/**
 * struct histogram - where a map has its counts
 * @whole: the map is one histogram, its values the counts
 * @offset: else: of the first count in each value, bytes
 * @size: of a count, bytes
 * @type: of a count
 * @slots: how many counts
 */
struct histogram {
	bool whole;
	__u32 offset;
	__u32 size;
	__u32 type;
	__u32 slots;
};

/**
 * histogram_of - does a map hold histograms?
 * @view: the map
 * @hist: filled
 *
 * By convention it does if its values are structs with an array "slots" of integers,
 * or if it is an array of integers whose name is "hist" or ends in "_hist". Slot n
 * counts what is 2^n to 2^(n+1)-1; 0 is counted in slot 0.
 */
bool histogram_of(const struct kapsel_view *view, struct histogram *hist);

/** histogram_add - add the counts of one value, as it lies on one CPU */
void histogram_add(const struct histogram *hist, const struct btf *btf, const void *value,
		   __u64 counts[HISTOGRAM_SLOTS]);

/** histogram_draw - a line a slot, from the first that counted to the last; none: none */
void histogram_draw(FILE *to, const char *indent, const __u64 counts[HISTOGRAM_SLOTS]);

#endif
