# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzing, in userspace. What is built with KPS_ORACLE tells what it claims.
#
#   make fuzz [T=seconds] [SEED=n]         generated programs, held to the verdict
#   make fuzz-crash [T=seconds]            bytes, by libFuzzer: nothing crashes
#   make fuzz-parsers [T=seconds] [SEED=n] the three that follow, by libFuzzer:
#   make fuzz-elf                          objects, damaged
#   make fuzz-text                         what people type
#   make fuzz-records                      a verdict's records, to be shown

T    ?= 60
SEED ?= 1

FUZZ_OUT   := $(BUILD)/fuzz
FUZZ_PARTS := world bodies machine machine_call machine_arg machine_dynptr memory alu gen gen_use gen_call gen_dynptr \
	      gen_join gen_loop check embed oracle
FUZZ_SRCS  := $(CORE_SRCS) $(FUZZ_PARTS:%=tools/fuzz/%.c)
FUZZ_DEPS  := $(wildcard tools/fuzz/*.h $(addprefix module/core/*.,h tbl inc))
FUZZ_FLAGS := $(USER_CPPFLAGS) $(USER_CFLAGS) -DKPS_ORACLE -Itools/fuzz

fuzz: $(FUZZ_OUT)/fuzz ## Generated programs against the verifier (T= seconds, SEED=)
	$< -t $(T) -s $(SEED)

fuzz-crash: $(FUZZ_OUT)/crash ## Bytes against the verifier, by libFuzzer (T= seconds)
	@mkdir -p $(FUZZ_OUT)/corpus
	$< -max_total_time=$(T) -max_len=2048 -rss_limit_mb=4096 -timeout=20 \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus

# fuzz_variant(folder, more flags): the fuzzer's parts with the core they watch
define fuzz_variant
$(1)/obj/%.o: %.c Makefile scripts/user.mk tools/fuzz/targets.mk
	$$(call say,CC)
	@mkdir -p $$(@D)
	@$$(CC) $$(FUZZ_FLAGS) $(2) -MMD -MP -c $$< -o $$@

$(1)/libfuzz.a: $$(FUZZ_SRCS:%.c=$(1)/obj/%.o)
	$$(call say,AR)
	@rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/fuzz: $(1)/obj/tools/fuzz/fuzz.o $(1)/libfuzz.a
	$$(call say,LD)
	@$$(CC) $(2) $$(LDFLAGS) $$^ -o $$@

-include $$(patsubst %.c,$(1)/obj/%.d,$$(FUZZ_SRCS) tools/fuzz/fuzz.c)
endef

$(eval $(call fuzz_variant,$(FUZZ_OUT),))
$(eval $(call fuzz_variant,$(BUILD)/asan/fuzz,$(SANITIZE)))

$(FUZZ_OUT)/crash: $(CORE_SRCS) tools/fuzz/world.c tools/fuzz/bodies.c tools/fuzz/crash.c \
		   $(FUZZ_DEPS)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CLANG) $(USER_CPPFLAGS) -std=gnu11 -O1 -g -Itools/fuzz \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$(filter %.c,$^) -o $@

# The loader and the command line's parsers; only what is damaged is of their own.

FUZZ_SEEDS  := $(FUZZ_OUT)/seeds/everything.bpf.o \
	       $(EXAMPLES:$(BUILD)/examples/%=$(FUZZ_OUT)/seeds/%)
FUZZ_TARGETS := elf text records
FUZZ_OBJ    := $(FUZZ_OUT)/parse
FUZZ_CLANG  := $(USER_CPPFLAGS) -std=gnu11 -O1 -g -Itools/fuzz \
	       -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_LIB    := $(patsubst %.c,$(FUZZ_OBJ)/%.o,$(CORE_SRCS) $(LIB_SRCS) \
	       tools/fuzz/parse.c tools/fuzz/mutate.c)
FUZZ_CLI    := $(patsubst %,$(FUZZ_OBJ)/tools/kapsel/%.o,cli objects out)

$(FUZZ_OBJ)/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CLANG) $(FUZZ_CLANG) $(FUZZ_WATCH) -MMD -MP -c $< -o $@

# What is not the parser's would lead the fuzzer astray, and slows it down.
$(FUZZ_OBJ)/tools/lib/%.o $(FUZZ_OBJ)/tools/kapsel/%.o: \
	FUZZ_WATCH = -fsanitize=fuzzer-no-link

-include $(shell find $(FUZZ_OBJ) -name '*.d' 2>/dev/null)

fuzz-parsers: $(FUZZ_TARGETS:%=fuzz-%) ## Damaged objects, text and records, by libFuzzer (T= seconds)

# fuzz-NAME: what it finds stays in the corpus, what breaks it beside. It begins with
# something, since of nothing the parsers see nothing.
define parser_fuzzer
fuzz-$(1): $(FUZZ_OUT)/parse_$(1) $(FUZZ_SEEDS)
	@mkdir -p $(FUZZ_OUT)/$(1)
	@printf '%256s' 'kprobe/vfs_read+0x10' >$(FUZZ_OUT)/$(1)/first
	$$< -seed=$(SEED) -max_total_time=$(T) -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
		-detect_leaks=1 -print_final_stats=1 -artifact_prefix=$(FUZZ_OUT)/$(1)- \
		$(2) $(FUZZ_OUT)/$(1) $(3)

$(FUZZ_OUT)/parse_$(1): $(FUZZ_OBJ)/tools/fuzz/parse_$(1).o $(FUZZ_LIB) $(4)
	$$(call say,LD)
	@$(CLANG) $(FUZZ_CLANG) -fsanitize=fuzzer $$^ $(USER_LIBS) -o $$@

.PHONY: fuzz-$(1)
endef

$(eval $(call parser_fuzzer,elf,-max_len=65536,$(FUZZ_OUT)/seeds $(FUZZ_OUT)/seeds/reject,))
$(eval $(call parser_fuzzer,text,-max_len=300 -close_fd_mask=3 -dict=tools/fuzz/text.dict,,\
	$(FUZZ_CLI)))
$(eval $(call parser_fuzzer,records,-max_len=4096,,))

# Without what debuggers want, an object is a tenth as long.
$(FUZZ_OUT)/seeds/%.o: $(BUILD)/examples/%.o
	@mkdir -p $(@D)
	@llvm-strip -g $< -o $@

$(FUZZ_OUT)/seeds/everything.bpf.o: tools/fuzz/seeds/everything.bpf.c tools/bpf/kapsel.bpf.h
	$(call say,BPF)
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $@ && llvm-strip -g $@

.PHONY: fuzz fuzz-crash fuzz-parsers
