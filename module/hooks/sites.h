/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - links to many functions: which they are, and whether they may be probed */
#ifndef KPS_SITES_H
#define KPS_SITES_H

#include <linux/kapsel.h>

#include "link.h"

struct kps_answer;

/**
 * struct kps_sites - the functions of a link
 * @site: those that ftrace can watch by address, then the others likewise
 * @count: of @site
 * @traced: how many ftrace can watch
 * @skipped: functions left out, since they can't be probed
 * @pattern: how the caller calls them
 */
struct kps_sites {
	struct kps_site *site;
	u32 count;
	u32 traced;
	u32 skipped;
	char pattern[KAPSEL_PATTERN_LEN];
};

/**
 * kps_sites_read - take the functions from the caller, and see whether all, or with
 *	KAPSEL_LINK_SKIP any, may be probed
 * @sites: zeroed; to be freed whatever comes out
 * @arg: what the caller asks
 * @most: functions at most
 * @traced_only: without those that ftrace can't watch, if any may be left out
 * @answer: gets the reason of a refusal, with the function's address
 *
 * Under kps_entry_lock, so that the modules that the functions belong to do not go
 * before they are watched. May sleep for long; gives up on a fatal signal.
 *
 * Return: 0 or -errno.
 */
int kps_sites_read(struct kps_sites *sites, const struct kapsel_link_create *arg,
		   u32 most, bool traced_only, struct kps_answer *answer);

void kps_sites_free(struct kps_sites *sites);

/** kps_sites_info - fill the functions' part of a link's information */
int kps_sites_info(const struct kps_sites *sites, struct kapsel_link_info *info);

#endif
