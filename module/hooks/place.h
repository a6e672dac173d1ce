/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - kprobe and kretprobe: finding and checking the place */
#ifndef KPS_PLACE_H
#define KPS_PLACE_H

#include <linux/kallsyms.h>
#include <linux/kapsel.h>

#include "link.h"

struct kprobe;
struct kps_answer;

#define KPS_MAX_ACTIVE	4096	/* of a kretprobe, as the kernel's own interface allows */

/**
 * struct kps_place - where a probe goes
 * @symbol: the function, as the caller or the kernel calls it
 * @addr: of the function; 0: the kernel looks @symbol up
 * @offset: into it
 */
struct kps_place {
	char symbol[KSYM_NAME_LEN];
	unsigned long addr;
	unsigned long offset;
};

/** kps_place_read - take the place from the caller; 0, or refused */
int kps_place_read(struct kps_place *place, const struct kapsel_link_kprobe *arg,
		   struct kps_answer *answer);

/**
 * kps_place_find - register a probe at the place, checked, but off
 * @place: the place; @addr is filled in
 * @probe: the kprobe; of a kretprobe: its
 * @add: registers it
 * @remove: the reverse; sleeps until nobody runs it
 * @owner: passed to both
 * @answer: gets the reason of a refusal
 */
int kps_place_find(struct kps_place *place, struct kprobe *probe,
		   int (*add)(void *owner), void (*remove)(void *owner),
		   void *owner, struct kps_answer *answer);

/** kps_place_site - a place that was found, as programs may ask of it */
struct kps_site kps_place_site(const struct kps_place *place, const struct kprobe *probe,
			       u64 cookie);

/** kps_place_enable - switch the probe on, or remove it */
int kps_place_enable(struct kprobe *probe, void (*remove)(void *owner),
		     void *owner, struct kps_answer *answer);

/** kps_place_offset - how far into its symbol an address lies, or -1: in none */
long kps_place_offset(unsigned long addr);

/** kps_place_refuse - an error of register_kprobe()'s, as the answer says it; @err */
int kps_place_refuse(struct kps_answer *answer, unsigned long detail, int err);

/** kps_place_copy_target - a link's target as text, as far as there is room */
int kps_place_copy_target(const char *target, struct kapsel_link_info *info);

/** kps_place_info - fill the place's part of a link's information */
int kps_place_info(const struct kps_place *place, struct kapsel_link_info *info);

#endif
