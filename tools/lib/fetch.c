// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - a loaded program, read back from the device */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/insn.h"
#include "internal.h"

/** struct fetched - the program with what belongs to it */
struct fetched {
	struct kapsel_prog prog;
	struct kapsel_obj_info info;
	char (*func_names)[24];
};

static void name_map(const struct kapsel_dev *dev, u32 id, char *name)
{
	struct kapsel_obj_info info = {};
	int fd = kapsel_fd_by_id(dev, KAPSEL_OBJ_MAP, id, NULL);

	if (fd < 0 || kapsel_obj_info(fd, &info, NULL) || !info.name[0])
		snprintf(name, KAPSEL_NAME_LEN, "%u", id);
	else
		snprintf(name, KAPSEL_NAME_LEN, "%s", info.name);
	if (fd >= 0)
		close(fd);
}

static int read_insns(struct fetched *f, int fd, u32 *ids, struct kapsel_error *err)
{
	struct kapsel_prog *prog = &f->prog;
	u32 count = f->info.prog.insn_cnt;

	prog->insns = calloc(count ?: 1, sizeof(*prog->insns));
	if (!prog->insns)
		return kl_nomem(err);
	memset(&f->info.prog, 0, sizeof(f->info.prog));
	f->info.prog.insns = (uintptr_t)prog->insns;
	f->info.prog.insns_room = count;
	f->info.prog.map_ids = (uintptr_t)ids;
	f->info.prog.map_cnt = KAPSEL_MAX_MAPS;
	prog->insn_cnt = count;
	return kapsel_obj_info(fd, &f->info, err);
}

static int read_maps(const struct kapsel_dev *dev, struct fetched *f, const u32 *ids,
		     struct kapsel_error *err)
{
	struct kapsel_prog *prog = &f->prog;
	u32 i, count = f->info.prog.map_cnt;

	prog->nr_maps = count < KAPSEL_MAX_MAPS ? count : KAPSEL_MAX_MAPS;
	prog->map_names = calloc(prog->nr_maps + 1, sizeof(*prog->map_names));
	if (!prog->map_names)
		return kl_nomem(err);
	for (i = 0; i < prog->nr_maps; i++)
		name_map(dev, ids[i], prog->map_names[i]);
	return 0;
}

/* Where a call or a callback's address leads to, or 0. */
static u32 callee(const struct bpf_insn *insn, u32 slot)
{
	bool call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
	bool addr = kps_insn_slots(insn) == 2 && insn->src_reg == BPF_PSEUDO_FUNC;

	return call || addr ? slot + insn->imm + 1 : 0;
}

static u32 mark_starts(const struct kapsel_prog *prog, bool *starts)
{
	u32 i, to, count = 1;

	for (i = 0; i < prog->insn_cnt; i += kps_insn_slots(&prog->insns[i])) {
		to = callee(&prog->insns[i], i);
		if (!to || to >= prog->insn_cnt || starts[to])
			continue;
		starts[to] = true;
		count++;
	}
	starts[0] = true;
	return count;
}

static void fill_funcs(struct fetched *f, const bool *starts)
{
	struct kapsel_prog *prog = &f->prog;
	struct kapsel_func *func = NULL;
	u32 i;

	for (i = 0; i < prog->insn_cnt; i++) {
		if (!starts[i])
			continue;
		func = &prog->funcs[prog->nr_funcs];
		snprintf(f->func_names[prog->nr_funcs], sizeof(*f->func_names), "func_%u", i);
		func->name = i ? f->func_names[prog->nr_funcs] : prog->name;
		func->start = i;
		func->end = prog->insn_cnt;
		if (prog->nr_funcs++)
			func[-1].end = i;
	}
}

static int find_funcs(struct fetched *f, struct kapsel_error *err)
{
	struct kapsel_prog *prog = &f->prog;
	bool *starts = calloc(prog->insn_cnt + 1, sizeof(*starts));
	u32 count = starts ? mark_starts(prog, starts) : 0;

	prog->funcs = calloc(count + 1, sizeof(*prog->funcs));
	f->func_names = calloc(count + 1, sizeof(*f->func_names));
	if (starts && prog->funcs && f->func_names)
		fill_funcs(f, starts);
	free(starts);
	return prog->nr_funcs ? 0 : kl_nomem(err);
}

struct kapsel_prog *kapsel_prog_fetch(const struct kapsel_dev *dev, int fd,
				      struct kapsel_error *err)
{
	struct fetched *f = calloc(1, sizeof(*f));
	u32 ids[KAPSEL_MAX_MAPS];

	if (!f) {
		kl_nomem(err);
		return NULL;
	}
	f->prog.fd = -1;
	if (kapsel_obj_info(fd, &f->info, err))
		goto fail;
	if (f->info.kind != KAPSEL_OBJ_PROG || !f->info.prog.insn_cnt) {
		kl_fail(err, -EINVAL, "'%s' is no program", f->info.name);
		goto fail;
	}
	f->prog.name = f->info.name;
	f->prog.section = kapsel_prog_type_name(f->info.prog.type);
	if (!read_insns(f, fd, ids, err) && !read_maps(dev, f, ids, err) &&
	    !find_funcs(f, err))
		return &f->prog;
fail:
	kapsel_prog_release(&f->prog);
	return NULL;
}

void kapsel_prog_release(struct kapsel_prog *prog)
{
	struct fetched *f = (struct fetched *)prog;

	if (!f)
		return;
	free(prog->insns);
	free(prog->map_names);
	free(prog->funcs);
	free(f->func_names);
	free(f);
}
