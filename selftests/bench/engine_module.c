// SPDX-License-Identifier: GPL-2.0-only
/* kapsel's verifier in the kernel, which says itself how long it took */

#include <stdio.h>
#include <unistd.h>

#include "engines.h"

static struct kapsel_dev dev;

static bool module_open(void)
{
	struct kapsel_error err;

	return !kapsel_dev_open(&dev, NULL, &err);
}

static u64 verify_ns(int fd)
{
	struct kapsel_obj_info info = {};
	struct kapsel_error err;

	return kapsel_obj_info(fd, &info, &err) ? 0 : info.prog.verify_ns;
}

static void module_verify(const struct bench_prog *p, struct bench_answer *answer)
{
	const struct kapsel_load_opts opts = {
		.budget = { .ceiling = BENCH_LIMIT, .insns = BENCH_LIMIT, .ms = 600000 },
	};
	struct kapsel_error err = {};
	struct kapsel_result res = {};

	answer->refused = kapsel_maps_create(&dev, p->obj, &err) ||
			  kapsel_prog_load(&dev, p->prog, &opts, &res, &err);
	answer->visited = res.verdict.visited;
	answer->bytes = res.verdict.state_bytes;
	answer->ns = answer->refused ? res.ns : verify_ns(p->prog->fd);
	if (answer->refused) {
		snprintf(answer->why, sizeof(answer->why), "%.99s", err.text);
	} else {
		close(p->prog->fd);
		p->prog->fd = -1;
	}
	kapsel_result_free(&res);
}

const struct bench_engine bench_module = {
	.name = "kapsel", .open = module_open, .verify = module_verify,
};
