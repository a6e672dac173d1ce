// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - histograms by powers of two, drawn */

#include <string.h>

#include "histogram.h"

#define BAR 40
#define MAX_FIELDS 32

static bool is_number(const struct btf *btf, __u32 type, __u32 size)
{
	static const char zeros[16];
	__s64 number;

	return size && size <= 8 && kapsel_btf_number(btf, type, zeros, size, &number);
}

static bool has_slots(const struct kapsel_view *view, struct histogram *hist)
{
	struct kapsel_field fields[MAX_FIELDS];
	__u32 i, count = kapsel_btf_fields(view->btf, view->info.btf_value_type_id, fields,
					   MAX_FIELDS);

	for (i = 0; i < count && i < MAX_FIELDS; i++) {
		if (strcmp(fields[i].name, "slots"))
			continue;
		hist->offset = fields[i].offset;
		hist->type = kapsel_btf_element(view->btf, fields[i].type, &hist->slots);
		hist->size = kapsel_btf_size(view->btf, hist->type);
		return hist->slots && hist->slots <= HISTOGRAM_SLOTS &&
		       is_number(view->btf, hist->type, hist->size) &&
		       hist->offset + hist->slots * hist->size <= view->info.value_size;
	}
	return false;
}

static bool is_one(const struct kapsel_view *view, struct histogram *hist)
{
	size_t len = strlen(view->name);

	if (view->info.type != BPF_MAP_TYPE_ARRAY &&
	    view->info.type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return false;
	if (strcmp(view->name, "hist") && (len < 5 || strcmp(view->name + len - 5, "_hist")))
		return false;
	hist->whole = true;
	hist->type = view->info.btf_value_type_id;
	hist->size = view->info.value_size;
	hist->slots = 1;
	return view->info.max_entries <= HISTOGRAM_SLOTS &&
	       is_number(view->btf, hist->type, hist->size);
}

bool histogram_of(const struct kapsel_view *view, struct histogram *hist)
{
	memset(hist, 0, sizeof(*hist));
	return view->btf && (is_one(view, hist) || has_slots(view, hist));
}

void histogram_add(const struct histogram *hist, const struct btf *btf, const void *value,
		   __u64 counts[HISTOGRAM_SLOTS])
{
	const char *at = (const char *)value + hist->offset;
	__s64 number;
	__u32 i;

	for (i = 0; i < hist->slots; i++)
		if (kapsel_btf_number(btf, hist->type, at + i * hist->size, hist->size, &number))
			counts[i] += number;
}

static __u64 highest(const __u64 *counts)
{
	__u64 most = 0;
	__u32 i;

	for (i = 0; i < HISTOGRAM_SLOTS; i++)
		most = counts[i] > most ? counts[i] : most;
	return most;
}

static void draw_slot(FILE *to, const char *indent, int width, __u32 slot, __u64 count,
		      __u64 most)
{
	static const char bar[] = "########################################";
	unsigned long long low = slot ? 1ULL << slot : 0;
	unsigned long long high = slot < 63 ? (2ULL << slot) - 1 : ~0ULL;
	int len = (double)count / most * BAR + 0.5;

	fprintf(to, "%s%*llu -> %-*llu %10llu |%-*.*s|\n", indent, width, low, width, high,
		(unsigned long long)count, BAR, len, bar);
}

void histogram_draw(FILE *to, const char *indent, const __u64 counts[HISTOGRAM_SLOTS])
{
	__u32 first = 0, last = HISTOGRAM_SLOTS, slot;
	__u64 most = highest(counts);

	if (!most)
		return;
	while (!counts[first])
		first++;
	while (!counts[last - 1])
		last--;
	for (slot = first; slot < last; slot++)
		draw_slot(to, indent, last > 32 ? 20 : 10, slot, counts[slot], most);
}
