// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - options of those that attach to netfilter */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nfopts.h"
#include "objects.h"

void nf_options_init(struct nf_options *nf)
{
	memset(nf, 0, sizeof(*nf));
	nf->attach.netns_fd = -1;
	nf->attach.beside_fd = -1;
}

static int open_netns(struct nf_options *nf, const char *name)
{
	struct kapsel_error err = {};
	char path[300];

	if (nf->attach.netns_fd >= 0)
		close(nf->attach.netns_fd);
	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name);
	nf->attach.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (nf->attach.netns_fd >= 0)
		return 0;
	err.err = -errno;
	snprintf(err.text, sizeof(err.text), "cannot open network namespace %s: %s", path,
		 strerror(errno));
	return cli_fail(&err, CLI_FAILED);
}

static int take_linear(struct nf_options *nf, const char *number)
{
	__u64 bytes;

	if (!cli_parse_count(number, &bytes) || bytes > 65535)
		return cli_usage("'%s' is not a number of bytes from 1 to 65535", number);
	nf->attach.linear = bytes;
	return 0;
}

static int take_beside(struct nf_options *nf, __u32 flag, const char *link)
{
	if (nf->beside)
		return cli_usage("one of --before and --after is enough");
	nf->attach.beside = flag;
	nf->beside = link;
	return 0;
}

int nf_options_take(struct nf_options *nf, int opt, const char *value)
{
	switch (opt) {
	case NF_NETNS:
		return open_netns(nf, value);
	case NF_CLOSED:
		nf->attach.fail_closed = true;
		return 0;
	case NF_SHADOW:
		nf->attach.shadow = true;
		return 0;
	case NF_LINEAR:
		return take_linear(nf, value);
	case NF_DEFRAG:
		nf->attach.defrag = true;
		return 0;
	}
	return take_beside(nf, opt == NF_BEFORE ? KAPSEL_LINK_BEFORE : KAPSEL_LINK_AFTER, value);
}

int nf_options_find(struct nf_options *nf, const struct kapsel_dev *dev)
{
	struct objects objs;
	struct object *found;
	int status = 0;

	if (!nf->beside || nf->attach.beside_fd >= 0)
		return 0;
	objects_read(dev, 1 << KAPSEL_OBJ_LINK, &objs);
	found = objects_find(&objs, nf->beside, "link", &status);
	if (found)
		nf->attach.beside_fd = fcntl(found->fd, F_DUPFD_CLOEXEC, 0);
	objects_free(&objs);
	return status;
}

void nf_options_close(struct nf_options *nf)
{
	if (nf->attach.netns_fd >= 0)
		close(nf->attach.netns_fd);
	if (nf->attach.beside_fd >= 0)
		close(nf->attach.beside_fd);
	nf_options_init(nf);
}
