/* SPDX-License-Identifier: GPL-2.0-only */
/* One object, loaded by kapsel and by libbpf: what it does is to be the same */
#ifndef KM_TWINS_H
#define KM_TWINS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kapsel.h"
#include "module/lib/km.h"

/**
 * struct km_twins - the object, twice
 * @dev: kapsel's device
 * @ours: by kapsel
 * @theirs: by libbpf
 *
 * Packet programs find what they are to do at key 0 of the map `orders`, and leave what
 * came of it at that of `results`.
 */
struct km_twins {
	struct kapsel_dev dev;
	struct kapsel_object *ours;
	struct bpf_object *theirs;
};

/** km_load_ours - the object @file, but for the program @but, NULL: all; 0 or an error */
static inline int km_load_ours(struct km_twins *both, const char *file, __u32 engine,
			       const char *but)
{
	const struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	int ret = kapsel_dev_open(&both->dev, NULL, &err);

	if (ret)
		return ret;
	both->ours = kapsel_open(file, &err);
	ret = both->ours ? kapsel_maps_create(&both->dev, both->ours, &err) : err.err;
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(both->ours); i++) {
		struct kapsel_prog *prog = kapsel_prog_at(both->ours, i);

		if (but && !strcmp(prog->name, but))
			continue;
		ret = kapsel_prog_load(&both->dev, prog, &opts, &res, &err);
		kapsel_result_free(&res);
	}
	if (ret)
		fprintf(stderr, "# %s\n", err.text);
	return ret;
}

/** km_load_theirs - the object @file, by bpf(2): 0 or an error */
static inline int km_load_theirs(struct km_twins *both, const char *file)
{
	both->theirs = bpf_object__open_file(file, NULL);
	return both->theirs ? bpf_object__load(both->theirs) : -errno;
}

static inline void km_twins_close(struct km_twins *both)
{
	kapsel_close(both->ours);
	kapsel_dev_close(&both->dev);
	bpf_object__close(both->theirs);
}

/* Maps, by name: descriptors that stay the objects'. */
static inline int km_our_map(const struct km_twins *both, const char *name)
{
	return kapsel_map_find(both->ours, name)->fd;
}

static inline int km_their_map(const struct km_twins *both, const char *name)
{
	return bpf_object__find_map_fd_by_name(both->theirs, name);
}

/** km_give_order - the same to both: 0 or an error */
static inline int km_give_order(const struct km_twins *both, const void *order, __u32 size)
{
	int map = km_our_map(both, "orders");
	__u32 zero = 0;

	return km_elem(map, KAPSEL_MAP_UPDATE, &zero, 4, (void *)order, size, 0) ?:
	       bpf_map_update_elem(km_their_map(both, "orders"), &zero, order, 0);
}

/** km_run_ours - the program @name, on a packet; out, what came of it: 0 or an error */
static inline int km_run_ours(const struct km_twins *both, const char *name, void *result,
			      __u32 size)
{
	unsigned char packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 17 };
	__u32 zero = 0;
	__u64 ret = 0;
	int err = km_run(kapsel_prog_find(both->ours, name)->fd, NULL, 0, packet, sizeof(packet),
			 1, &ret);

	if (err || ret != 1)
		return err ?: -EIO;
	return km_elem(km_our_map(both, "results"), KAPSEL_MAP_LOOKUP, &zero, 4, result, size, 0);
}

/** km_run_theirs - the same by bpf(2) */
static inline int km_run_theirs(const struct km_twins *both, const char *name, void *result)
{
	unsigned char frame[14 + 20] = { [12] = 8, [14] = 0x45, [17] = 20, [22] = 64, [23] = 17 };
	struct bpf_program *prog = bpf_object__find_program_by_name(both->theirs, name);
	__u32 zero = 0;
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (err || opts.retval != 1)
		return err ?: -EIO;
	return bpf_map_lookup_elem(km_their_map(both, "results"), &zero, result);
}

#endif
