# SPDX-License-Identifier: GPL-2.0-only
#
# Benchmarks. Their figures are this machine's; only ratios compare.

BENCH_OUT   := $(BUILD)/bench
BENCH_FLAGS = $(USER_CPPFLAGS) $(USER_CFLAGS) -Iselftests
BENCH_CORE  = $(wildcard module/core/*.[ch] module/core/*.tbl module/core/*.inc)

bench: bench-events bench-load bench-verifier bench-interp ## All benchmarks

bench-verifier: bench-verifier-native bench-verifier-vm ## The verifier's cost, beside Linux's
	@printf '{"native":%s,"vm":%s}\n' "$$(cat $(BENCH_OUT)/native.json)" \
		"$$(cat $(BENCH_OUT)/vm.json)" >$(BENCH_OUT)/verifier.json

BENCH_OBJECTS := $(patsubst %.bpf.c,$(BENCH_OUT)/objects/%.bpf.o, \
		 $(notdir $(wildcard tools/examples/*.bpf.c selftests/module/progs/cli.bpf.c)))
BENCH_PARTS   := verifier_bench programs engine_library engine_module engine_linux table
BENCH_SRCS    := $(BENCH_PARTS:%=selftests/bench/%.c) selftests/lib/elf_build.c

vpath %.bpf.c tools/examples selftests/module/progs

$(BENCH_OUT)/objects/%.o: %.c tools/bpf/kapsel.bpf.h
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BENCH_OUT)/verifier: $(BENCH_SRCS) $(BUILD)/libkapsel.a $(wildcard selftests/bench/*.h)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $(filter %.c %.a,$^) $(USER_LIBS) -lm -o $@

bench-verifier-native: $(BENCH_OUT)/verifier $(BENCH_OBJECTS)
	@echo "== The library"
	@$< -o $(BENCH_OUT)/native.json $(BENCH_OBJECTS)

bench-verifier-vm: $(BENCH_OUT)/verifier $(BENCH_OBJECTS)
	@echo "== The module, in a VM"
	@scripts/vm --icount --timeout 3000 --share $(BENCH_OUT) -- \
		/share/verifier -di -o /share/vm.json \
		$(BENCH_OBJECTS:$(BENCH_OUT)/%=/share/%)

# Loading: the same object by libkapsel and by libbpf, in one VM, whose clock counts
# instructions: one is a nanosecond.
$(BENCH_OUT)/object: selftests/bench/object_bench.c $(BUILD)/libkapsel.a
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $^ $(USER_LIBS) -o $@

$(BENCH_OUT)/relocated.bpf.o: selftests/bench/relocated.bpf.c tools/bpf/kapsel.bpf.h
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $@

bench-load-object: $(BENCH_OUT)/object $(BENCH_OUT)/relocated.bpf.o ## Loading an object, beside libbpf
	@scripts/vm --icount --share $(BENCH_OUT) -- /share/object /share/relocated.bpf.o

# What running programs costs, on each of these; the last one's is the picture.
BENCH_KERNELS ?= 6.1 6.12
BENCH_EVENTS  := events_bench events looking computing readers intree figures picture
BENCH_PICTURE := selftests/bench/figures.svg

$(BENCH_OUT)/events: $(BENCH_EVENTS:%=selftests/bench/%.c) selftests/lib/asm.c \
		$(BUILD)/libkapsel.a $(wildcard selftests/bench/*.h)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) -idirafter /usr/include $(filter %.c %.a,$^) $(USER_LIBS) -o $@

# gcc would not unroll them.
$(BENCH_OUT)/kernels.bpf.o: selftests/bench/kernels.bpf.c selftests/bench/kernels.h \
		tools/bpf/kapsel.bpf.h
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -fno-unroll-loops -Iselftests/bench -c $< -o $@

$(BENCH_OUT)/looks%bpf.o: selftests/bench/looks%bpf.c selftests/bench/looks.h \
		selftests/bench/kfuncs.h tools/bpf/kapsel.bpf.h
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -Iselftests/bench -c $< -o $@

BENCH_PROGRAMS := $(patsubst %,$(BENCH_OUT)/%.bpf.o,kernels looks looks_linux)

bench-events: $(BENCH_OUT)/events $(BENCH_PROGRAMS) ## Running programs: hooks, computing, maps
	@for kernel in $(BENCH_KERNELS); do \
		selftests/bench/run_events $$kernel $(BENCH_OUT) || exit; \
	done
	@cp $(BENCH_OUT)/events-$(lastword $(BENCH_KERNELS)).svg $(BENCH_PICTURE)

$(BENCH_OUT)/load: selftests/bench/load_bench.c $(BUILD)/libkapsel.a
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $(filter %.c %.a,$^) $(USER_LIBS) -o $@

bench-load: bench-load-native bench-load-vm ## Loading: time in the library, memory in the kernel

bench-load-native: $(BENCH_OUT)/load
	@echo "== The library: verified, and made ready to run"
	@$<

bench-load-vm: $(BENCH_OUT)/load
	@echo "== The module, in a VM: memory of a loaded program"
	@scripts/vm --share $(BENCH_OUT) -- /share/load -d

# As the kernel compiles where indirect jumps go by a thunk.
BENCH_THUNK := -mindirect-branch=thunk -mindirect-branch-register -fno-jump-tables

bench-interp: $(BENCH_OUT)/interp $(BENCH_OUT)/interp-thunk ## The interpreter, an instruction
	@$<
	@echo "== With retpolines"
	@$(BENCH_OUT)/interp-thunk

bench-interp-count: $(BENCH_OUT)/interp ## Instructions of the processor for one of the interpreter
	@selftests/bench/interp_count $<

$(BENCH_OUT)/interp-thunk: private BENCH_MORE := $(BENCH_THUNK)

$(BENCH_OUT)/interp $(BENCH_OUT)/interp-thunk: \
		selftests/bench/interp_bench.c $(BENCH_CORE) $(wildcard selftests/lib/*.[ch])
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $(BENCH_MORE) $< selftests/lib/asm.c selftests/lib/run.c \
		module/core/*.c -o $@

.PHONY: bench bench-load bench-load-native bench-load-vm bench-load-object bench-events bench-verifier bench-verifier-native bench-verifier-vm bench-interp bench-interp-count
