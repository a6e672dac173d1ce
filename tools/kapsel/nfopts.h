/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - options of those that attach to netfilter */
#ifndef KAPSEL_CMD_NFOPTS_H
#define KAPSEL_CMD_NFOPTS_H

#include "cli.h"

enum { NF_NETNS, NF_CLOSED, NF_SHADOW, NF_LINEAR, NF_DEFRAG, NF_BEFORE, NF_AFTER, NF_OPTIONS };

/* Their rows in a command's table, from row @first on. */
#define NF_OPTION_ROWS(first)							\
	[(first) + NF_NETNS] = {						\
		"--netns", 0, true, "NAME|PATH: netfilter in this network namespace" },	\
	[(first) + NF_CLOSED] = {						\
		"--fail-closed", 0, false, "netfilter: no verdict, no packet" },	\
	[(first) + NF_SHADOW] = {						\
		"--shadow", 0, false, "netfilter: count verdicts, drop nothing" },	\
	[(first) + NF_LINEAR] = {						\
		"--linear", 0, true, "N: netfilter: so many bytes before data_end" },	\
	[(first) + NF_DEFRAG] = {						\
		"--defrag", 0, false, "netfilter: packets in place of fragments" },	\
	[(first) + NF_BEFORE] = {						\
		"--before", 0, true, "LINK: netfilter: run before this one" },	\
	[(first) + NF_AFTER] = {						\
		"--after", 0, true, "LINK: netfilter: run after this one" }

/**
 * struct nf_options - what they say
 * @attach: for kapsel_attach(); its netns_fd and beside_fd are -1 if there are none
 * @beside: LINK, or NULL
 */
struct nf_options {
	struct kapsel_attach_opts attach;
	const char *beside;
};

/** nf_options_init - none of them */
void nf_options_init(struct nf_options *nf);

/** nf_options_take - option @opt, NF_*; 0 or an exit status after a message */
int nf_options_take(struct nf_options *nf, int opt, const char *value);

/** nf_options_find - the link beside which to go; 0 or an exit status after a message */
int nf_options_find(struct nf_options *nf, const struct kapsel_dev *dev);

/** nf_options_close - what it holds open */
void nf_options_close(struct nf_options *nf);

#endif
