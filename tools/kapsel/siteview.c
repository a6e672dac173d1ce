// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - the functions that a link to many watches, shown */

#include <stdlib.h>

#include "siteview.h"
#include "stackview.h"

#define NAME_LEN (KAPSEL_TARGET_LEN + 32)

/* Return: how many there are in *@sites, which the caller frees; 0: none, or unknown. */
static __u32 read_sites(const struct object *link, struct kapsel_link_site **sites)
{
	__u32 n = link->info.link.site_cnt;
	struct kapsel_obj_info info = {};
	struct kapsel_error err = {};

	*sites = n ? calloc(n, sizeof(**sites)) : NULL;
	if (!*sites)
		return 0;
	info.link.sites = (unsigned long)*sites;
	info.link.site_cnt = n;
	if (kapsel_obj_info(link->fd, &info, &err))
		return 0;
	return info.link.site_cnt < n ? info.link.site_cnt : n;
}

void siteview_text(FILE *to, const struct object *link)
{
	struct kapsel_link_site *sites;
	__u32 i, n = read_sites(link, &sites);
	char name[NAME_LEN];

	for (i = 0; i < n; i++) {
		fprintf(to, "  %s", stackview_address(sites[i].addr, name, sizeof(name)));
		if (sites[i].cookie)
			fprintf(to, "  cookie %llu", (unsigned long long)sites[i].cookie);
		fputc('\n', to);
	}
	free(sites);
}

void siteview_json(struct kapsel_json *js, const struct object *link)
{
	struct kapsel_link_site *sites;
	__u32 i, n = read_sites(link, &sites);
	char name[NAME_LEN];

	kapsel_json_open(js, "functions", '[');
	for (i = 0; i < n; i++) {
		kapsel_json_open(js, NULL, '{');
		kapsel_json_str(js, "name",
				stackview_address(sites[i].addr, name, sizeof(name)));
		kapsel_json_u64(js, "cookie", sites[i].cookie);
		kapsel_json_close(js, '}');
	}
	kapsel_json_close(js, ']');
	free(sites);
}
