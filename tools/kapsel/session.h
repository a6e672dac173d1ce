/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - a file's programs, loaded and attached: what run and load share */
#ifndef SESSION_H
#define SESSION_H

#include "select.h"

/** struct session_link - a link of the session */
struct session_link {
	int fd;
	struct kapsel_prog *prog;
};

/**
 * struct session - a file in the kernel
 * @dev: device
 * @obj: the file
 * @sel: programs meant
 * @opts: how to load
 * @hook: for programs of its type, in place of their section's; hook 0: none
 * @netns_fd: for netfilter, or -1
 * @fail_closed: for netfilter: no verdict means drop
 * @sets: VAR=VALUE
 * @links: by program
 */
struct session {
	struct kapsel_dev dev;
	struct kapsel_object *obj;
	struct selection sel;
	struct kapsel_load_opts opts;
	struct kapsel_hook hook;
	int netns_fd;
	bool fail_closed;
	char *sets[SELECT_MAX];
	__u32 nr_sets;
	struct session_link *links;
	__u32 nr_links;
};

/** session_init - an empty session */
void session_init(struct session *s);

/** session_set - one more --set */
int session_set(struct session *s, char *assignment);

/** session_hook - parse --hook */
int session_hook(struct session *s, const char *words);

/** session_netns - open --netns NAME or PATH */
int session_netns(struct session *s, const char *name);

/** session_engine - parse --engine */
int session_engine(struct session *s, const char *name);

/** session_ceiling - parse --ceiling */
int session_ceiling(struct session *s, const char *number);

/** session_load - open FILE, the device, create maps, load; 0 or an exit status */
int session_load(struct session *s, const char *path);

/** session_attach - attach each program where its section says; 0 or an exit status */
int session_attach(struct session *s);

/** session_close - detach and release all that is not pinned */
void session_close(struct session *s);

/** session_has_place - whether a program knows where to go */
bool session_has_place(const struct session *s, const struct kapsel_prog *prog);

#endif
