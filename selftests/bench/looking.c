// SPDX-License-Identifier: GPL-2.0-only
/* Programs that look at packets and count them, in kapsel and in Linux */

#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <kapsel.h>

#include "events.h"
#include "intree.h"
#include "module/lib/km.h"

static struct kapsel_object *ours;
static struct bpf_object *theirs;

static int load_kapsel(__u32 engine, struct kapsel_error *err)
{
	const struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_result res = {};
	struct kapsel_prog *prog;
	struct kapsel_dev dev;
	char path[PATH_MAX];
	int ret;

	bench_object("looks.bpf.o", path);
	ours = kapsel_open(path, err);
	if (!ours)
		return -EINVAL;
	prog = kapsel_prog_at(ours, 0);
	ret = kapsel_dev_open(&dev, NULL, err);
	if (ret)
		return ret;
	ret = kapsel_maps_create(&dev, ours, err) ?:
	      kapsel_prog_load(&dev, prog, &opts, &res, err);
	kapsel_result_free(&res);
	kapsel_dev_close(&dev);
	return ret ?: dup(prog->fd);
}

int looking_kapsel(__u32 engine)
{
	struct kapsel_error err = {};
	int prog;

	kapsel_close(ours);
	prog = load_kapsel(engine, &err);
	if (prog < 0)
		fprintf(stderr, "%s\n", err.text);
	return prog;
}

int looking_linux(void)
{
	struct bpf_program *prog;
	char path[PATH_MAX];
	int err;

	bench_object("looks_linux.bpf.o", path);
	theirs = bpf_object__open_file(path, NULL);
	if (!theirs)
		return -errno;
	prog = bpf_object__next_program(theirs, NULL);
	bpf_program__set_type(prog, INTREE_NETFILTER);
	bpf_program__set_expected_attach_type(prog, INTREE_ATTACH_NETFILTER);
	err = bpf_object__load(theirs);
	return err ?: dup(bpf_program__fd(prog));
}

__u64 looking_seen(bool in_linux)
{
	__u64 seen = 0;
	__u32 key = 0;

	if (in_linux)
		bpf_map_lookup_elem(bpf_map__fd(bpf_object__next_map(theirs, NULL)), &key, &seen);
	else
		km_get(kapsel_map_at(ours, 0)->fd, key, &seen);
	return seen;
}
