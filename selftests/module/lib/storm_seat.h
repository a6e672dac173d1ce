/* SPDX-License-Identifier: GPL-2.0-only */
/* The links of a storm: programs that count their runs in many ways, in many places */
#ifndef STORM_SEAT_H
#define STORM_SEAT_H

#include <sys/mman.h>

#include "kapsel.h"
#include "module/lib/storm.h"

/* Adds one to number @index of the map. */
#define STORM_COUNT(index)						\
	"*(u32 *)(r10 - 4) = " #index "\n"				\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto counted" #index "\n"				\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"					\
	"counted" #index ":\n"

#define STORM_END	"r0 = 1\nexit\n"

enum storm_flavour {
	STORM_PLAIN, STORM_LOOP, STORM_TAIL, STORM_INNER, STORM_RING, STORM_QUEUE, STORM_CHURN,
	STORM_NR_FLAVOURS
};

enum storm_place {
	STORM_ENTRY, STORM_INSN, STORM_RETURN, STORM_ENTRIES_OF, STORM_RETURNS_OF,
	STORM_NETFILTER,	/* and the other four hooks behind it */
	STORM_SHADOW = STORM_NETFILTER + 5,
	STORM_NR_PLACES
};

/* The functions of STORM_ENTRIES_OF and STORM_RETURNS_OF; true if there are both. */
static inline bool storm_find_functions(__u64 *addrs)
{
	static const char *const names[] = { TARGET, "__x64_sys_getsid" };
	struct kapsel_symbol sym;

	for (int i = 0; i < 2; i++) {
		if (kapsel_symbols_named(NULL, names[i], &sym, 1) != 1)
			return false;
		addrs[i] = sym.addr;
	}
	return true;
}

static inline bool storm_is_netfilter(int place)
{
	return place >= STORM_NETFILTER;
}

/* Of the type that the place takes, on any engine. */
static inline int __printf(4, 5)
storm_load(struct storm *s, int place, __u32 flags, const char *fmt, ...)
{
	struct kapsel_prog_load arg = { .flags = flags, .engine = storm_random(s, 3) };
	char text[2048];
	va_list args;
	int prog;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	prog = km_load_arg(s->dev, &arg, storm_is_netfilter(place) ? KAPSEL_PROG_NETFILTER :
						KAPSEL_PROG_KPROBE, text);
	/* What an engine can't do is left to the other. */
	if (prog == -EOPNOTSUPP) {
		arg.engine = KAPSEL_ENGINE_AUTO;
		prog = ioctl(s->dev, KAPSEL_PROG_LOAD, &arg);
	}
	if (prog < 0)
		storm_fail(s, "load: %d, code %u @%u: %s", prog, arg.log.verdict.code,
			   arg.log.verdict.insn, text);
	return prog;
}

static inline int storm_numbers(struct storm *s, __u32 n)
{
	return storm_must(s, km_map(s->dev, BPF_MAP_TYPE_ARRAY, 4, 8, n, 0), "array");
}

/* ------------------------------------------------------------------------
 * Programs. The first one is what is attached.
 */
static inline void storm_make_plain(struct storm *s, struct storm_seat *seat)
{
	seat->progs[0] = storm_load(s, seat->place, 0, STORM_COUNT(0) STORM_END,
				    seat->count.map);
	seat->progs[1] = storm_load(s, seat->place, 0, STORM_COUNT(1) STORM_END,
				    seat->count.map);
}

static inline void storm_make_loop(struct storm *s, struct storm_seat *seat)
{
	seat->progs[0] = storm_load(s, seat->place, KAPSEL_PROG_METERED,
				    "call bpf_get_prandom_u32\nagain:\nr0 /= 3\n"
				    "if r0 != 0 goto again\n" STORM_COUNT(0) STORM_END,
				    seat->count.map);
}

static inline int storm_put(int map, __u32 index, __u32 fd)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &index, 4, &fd, 4, 0);
}

static inline void storm_make_tail(struct storm *s, struct storm_seat *seat)
{
	seat->swap = storm_must(s, km_map(s->dev, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0),
				"program array");
	seat->progs[0] = storm_load(s, seat->place, 0,
				    "r2 = map[fd:%d] ll\nr3 = 0\ncall bpf_tail_call\n"
				    STORM_COUNT(3) STORM_END, seat->swap, seat->count.map);
	seat->progs[1] = storm_load(s, seat->place, 0, STORM_COUNT(1) STORM_END,
				    seat->count.map);
	seat->progs[2] = storm_load(s, seat->place, 0, STORM_COUNT(2) STORM_END,
				    seat->count.map);
	storm_must(s, storm_put(seat->swap, 0, seat->progs[1]), "program into array");
}

static inline void storm_make_inner(struct storm *s, struct storm_seat *seat)
{
	struct kapsel_map_create arg = {
		.map_type = storm_random(s, 2) ? BPF_MAP_TYPE_ARRAY_OF_MAPS :
						 BPF_MAP_TYPE_HASH_OF_MAPS,
		.key_size = 4, .value_size = 4, .max_entries = 1,
	};

	for (int i = 0; i < 2; i++)
		seat->count.inner[i] = storm_numbers(s, 1);
	arg.inner_map_fd = seat->count.inner[0];
	seat->swap = storm_must(s, km_ioctl(s->dev, KAPSEL_MAP_CREATE, &arg), "map of maps");
	seat->progs[0] = storm_load(s, seat->place, 0,
				    "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n"
				    "r1 = map[fd:%d] ll\ncall bpf_map_lookup_elem\n"
				    "if r0 == 0 goto none\nr1 = r0\nr2 = r10\nr2 += -4\n"
				    "call bpf_map_lookup_elem\nif r0 == 0 goto none\nr1 = 1\n"
				    "lock *(u64 *)(r0 + 0) += r1\ngoto end\nnone:\n"
				    STORM_COUNT(3) "end:\n" STORM_END, seat->swap,
				    seat->count.map);
	storm_must(s, storm_put(seat->swap, 0, seat->count.inner[1]), "map into map");
}

static inline void storm_make_ring(struct storm *s, struct storm_seat *seat)
{
	struct storm_count *c = &seat->count;
	long page = sysconf(_SC_PAGESIZE);

	c->ring = storm_must(s, km_map(s->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, page, 0), "ring");
	c->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, c->ring, 0);
	c->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, c->ring, page);
	if (c->consumer == MAP_FAILED || c->producer == MAP_FAILED)
		storm_fail(s, "mmap: %d", -errno);
	seat->progs[0] = storm_load(s, seat->place, 0,
				    "*(u64 *)(r10 - 8) = 7\nr1 = map[fd:%d] ll\nr2 = r10\n"
				    "r2 += -8\nr3 = 8\nr4 = 0\ncall bpf_ringbuf_output\n"
				    STORM_END, c->ring);
}

static inline void storm_make_queue(struct storm *s, struct storm_seat *seat)
{
	seat->count.queue = storm_must(s, km_map(s->dev, storm_random(s, 2) ? BPF_MAP_TYPE_QUEUE :
						 BPF_MAP_TYPE_STACK, 0, 8, 16, 0), "queue");
	seat->progs[0] = storm_load(s, seat->place, 0,
				    "*(u64 *)(r10 - 8) = 7\nr1 = map[fd:%d] ll\nr2 = r10\n"
				    "r2 += -8\nr3 = 0\ncall bpf_map_push_elem\n" STORM_END,
				    seat->count.queue);
}

/* Random keys into a map that is too small for them, and out of it. */
static inline void storm_make_churn(struct storm *s, struct storm_seat *seat)
{
	seat->progs[0] = storm_load(s, seat->place, 0,
				    "call bpf_get_prandom_u32\nr0 &= 63\n"
				    "*(u64 *)(r10 - 8) = 32\n*(u32 *)(r10 - 4) = w0\n"
				    "*(u64 *)(r10 - 16) = 1\n"
				    "r1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\nr3 = r10\n"
				    "r3 += -16\nr4 = 0\ncall bpf_map_update_elem\n"
				    "r1 = map[fd:%d] ll\nr2 = r10\nr2 += -8\n"
				    "call bpf_map_delete_elem\n" STORM_COUNT(0) STORM_END,
				    s->churn, s->churn, seat->count.map);
}

static inline void storm_make(struct storm *s, struct storm_seat *seat, int place)
{
	static void (*const makers[])(struct storm *, struct storm_seat *) = {
		[STORM_PLAIN] = storm_make_plain, [STORM_LOOP] = storm_make_loop,
		[STORM_TAIL] = storm_make_tail, [STORM_INNER] = storm_make_inner,
		[STORM_RING] = storm_make_ring, [STORM_QUEUE] = storm_make_queue,
		[STORM_CHURN] = storm_make_churn,
	};

	*seat = (struct storm_seat){
		.link = -1, .progs = { -1, -1, -1 }, .swap = -1, .count = storm_no_count(),
		.flavour = storm_random(s, STORM_NR_FLAVOURS), .place = place,
	};
	/* A tail call may lead to what changes packets, which a shadow must not. */
	if (place == STORM_SHADOW && seat->flavour == STORM_TAIL)
		seat->flavour = STORM_PLAIN;
	if (seat->flavour != STORM_RING && seat->flavour != STORM_QUEUE)
		seat->count.map = storm_numbers(s, 4);
	makers[seat->flavour](s, seat);
}

/* ------------------------------------------------------------------------
 * Links
 */
static inline void storm_link_arg(struct storm *s, const struct storm_seat *seat,
				  struct kapsel_link_create *arg)
{
	static const __u32 hooks[] = {
		[STORM_ENTRY] = KAPSEL_HOOK_KPROBE, [STORM_INSN] = KAPSEL_HOOK_KPROBE,
		[STORM_RETURN] = KAPSEL_HOOK_KRETPROBE,
		[STORM_ENTRIES_OF] = KAPSEL_HOOK_KPROBE_MULTI,
		[STORM_RETURNS_OF] = KAPSEL_HOOK_KRETPROBE_MULTI,
	};

	*arg = (struct kapsel_link_create){ .prog_fd = seat->progs[0] };
	if (storm_is_netfilter(seat->place)) {
		arg->hook = KAPSEL_HOOK_NETFILTER;
		arg->flags = seat->place == STORM_SHADOW ? KAPSEL_LINK_SHADOW : 0;
		arg->netfilter.family = storm_random(s, 2) ? NFPROTO_INET : NFPROTO_IPV4;
		arg->netfilter.priority = (int)storm_random(s, 100) - 50;
		arg->netfilter.hooknum = seat->place == STORM_SHADOW ? NF_INET_LOCAL_OUT :
					 seat->place - STORM_NETFILTER;
		arg->netfilter.linear = storm_random(s, 2) ? 64 : 0;
		return;
	}
	arg->hook = hooks[seat->place];
	if (seat->place == STORM_ENTRIES_OF || seat->place == STORM_RETURNS_OF) {
		arg->multi.addrs = km_ptr(s->addrs);
		arg->multi.count = 2;
		return;
	}
	arg->kprobe.symbol = km_ptr(TARGET);
	arg->kprobe.offset = seat->place == STORM_INSN ? s->offset : 0;
}

static inline void storm_attach(struct storm *s, struct storm_seat *seat)
{
	struct kapsel_link_create arg;

	storm_link_arg(s, seat, &arg);
	seat->link = km_ioctl(s->dev, KAPSEL_LINK_CREATE, &arg);
	if (seat->link < 0)
		storm_fail(s, "place %d, flavour %d: error %d, code %u", seat->place, seat->flavour,
			   seat->link, arg.log.verdict.code);
	seat->attached = true;
}

/* Packets to oneself are not forwarded. */
static inline bool storm_has_events(const struct storm_seat *seat)
{
	return seat->attached && seat->place != STORM_NETFILTER + NF_INET_FORWARD;
}

/* What happened, with what the kernel or kapsel had to leave out: that is counted, too. */
static inline __u64 storm_seen(const struct storm *s, const struct storm_seat *seat, int link)
{
	struct kapsel_link_info info = km_info(link).link;

	return storm_total(s, &seat->count) + info.missed + info.recursed + info.unready;
}

static inline void storm_runs(struct storm *s, const struct storm_seat *seat, int link)
{
	__u64 before = storm_seen(s, seat, link);

	if (!storm_has_events(seat))
		return;
	for (int i = 0; i < STORM_PATIENCE / 10; i++) {
		storm_event(s->socket);
		if (storm_seen(s, seat, link) > before)
			return;
		usleep(10000);
	}
	storm_fail(s, "an attached link does not run: place %d, flavour %d", seat->place,
		   seat->flavour);
}

/* All that ran has been counted by its program. */
static inline void storm_detached(struct storm *s, struct storm_seat *seat)
{
	__u64 runs = km_info(seat->link).link.runs, total = storm_total(s, &seat->count);

	if (runs != total)
		storm_fail(s, "%llu runs, of which programs saw %llu: place %d, flavour %d", runs,
			   total, seat->place, seat->flavour);
	seat->attached = false;
}

static inline void storm_unseat(struct storm *s, struct storm_seat *seat)
{
	storm_close(&seat->link);
	storm_bury(s, &seat->count);
	seat->count = storm_no_count();
	for (int i = 0; i < 3; i++)
		storm_close(&seat->progs[i]);
	storm_close(&seat->swap);
	seat->attached = false;
}

#endif
