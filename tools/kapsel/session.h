/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - a file's programs, loaded and attached: what run and load share */
#ifndef SESSION_H
#define SESSION_H

#include "nfopts.h"
#include "select.h"

enum {
	SESSION_PROG, SESSION_SET, SESSION_ENGINE, SESSION_HOOK, SESSION_CEILING,
	SESSION_METERED, SESSION_MAXACTIVE, SESSION_WRAP, SESSION_COOKIE, SESSION_SKIP,
	SESSION_NF,
};

/* Rows of a command's table, from row @first on. */
#define SESSION_OPTION_ROWS(first)						\
	[(first) + SESSION_PROG] = {						\
		"--prog", 'p', true, "PROG: only this program (may be repeated)" },	\
	[(first) + SESSION_SET] = {						\
		"--set", 0, true, "VAR=VALUE: a global constant's value" },	\
	[(first) + SESSION_ENGINE] = {						\
		"--engine", 0, true, "auto, interp or jit" },			\
	[(first) + SESSION_HOOK] = {						\
		"--hook", 0, true, "[PROG=]HOOK: attach there, as nf:inet:input:-10" },	\
	[(first) + SESSION_CEILING] = {						\
		"--ceiling", 0, true, "N: most instructions a run may take" },	\
	[(first) + SESSION_METERED] = {						\
		"--metered", 0, false, "loops need no bound: runs end at the ceiling" },	\
	[(first) + SESSION_MAXACTIVE] = {					\
		"--maxactive", 0, true, "N: calls that a return probe follows" },	\
	[(first) + SESSION_WRAP] = {						\
		"--wrap", 0, false, "return probes by code around the function" },	\
	[(first) + SESSION_COOKIE] = {						\
		"--cookie", 0, true, "N[,N...]: for bpf_get_attach_cookie()" },	\
	[(first) + SESSION_SKIP] = {						\
		"--skip-missing", 0, false, "leave out programs for functions not there" },	\
	NF_OPTION_ROWS((first) + SESSION_NF)

/** struct session_link - a link of the session */
struct session_link {
	int fd;
	struct kapsel_prog *prog;
};

/** struct session_hook - --hook [PROG=]HOOK */
struct session_hook {
	const char *prog;	/* NULL: all of the hook's program type */
	struct kapsel_hook hook;
};

/**
 * struct session - a file in the kernel
 * @dev: device
 * @obj: the file
 * @sel: programs meant
 * @opts: how to load
 * @hooks: in place of what sections say
 * @nr_hooks: how many
 * @maxactive: of return probes; 0: the kernel's default
 * @wrap: return probes by code around the function, where possible
 * @cookies: --cookie
 * @nr_cookies: how many
 * @skip_missing: leave out programs whose functions this kernel does not have
 * @nf: for netfilter
 * @sets: VAR=VALUE
 * @links: by program
 */
struct session {
	struct kapsel_dev dev;
	struct kapsel_object *obj;
	struct selection sel;
	struct kapsel_load_opts opts;
	struct session_hook hooks[SELECT_MAX];
	__u32 nr_hooks;
	__u32 maxactive;
	bool wrap;
	__u64 cookies[SELECT_MAX];
	__u32 nr_cookies;
	bool skip_missing;
	struct nf_options nf;
	char *sets[SELECT_MAX];
	__u32 nr_sets;
	struct session_link *links;
	__u32 nr_links;
};

/** session_init - an empty session */
void session_init(struct session *s);

/** session_set - one more --set */
int session_set(struct session *s, char *assignment);

/** session_ceiling - parse --ceiling */
int session_ceiling(struct session *s, const char *number);

/** session_option - option @opt, SESSION_*; 0 or an exit status after a message */
int session_option(struct session *s, int opt, char *value);

/** session_load - open FILE, the device, create maps, load; 0 or an exit status */
int session_load(struct session *s, const char *path);

/** session_attach - attach each program where its section says; 0 or an exit status */
int session_attach(struct session *s);

/** session_close - detach and release all that is not pinned */
void session_close(struct session *s);

/** session_has_place - whether a program knows where to go */
bool session_has_place(const struct session *s, const struct kapsel_prog *prog);

#endif
