# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzing, in userspace. What is built with KPS_ORACLE tells what it claims.
#
#   make fuzz [T=seconds] [SEED=n]         generated programs, held to the verdict
#   make fuzz-crash [T=seconds]            bytes, by libFuzzer: nothing crashes

T    ?= 60
SEED ?= 1

FUZZ_OUT   := $(BUILD)/fuzz
FUZZ_PARTS := world machine gen gen_use gen_loop
FUZZ_SRCS  := $(CORE_SRCS) $(FUZZ_PARTS:%=tools/fuzz/%.c) tools/fuzz/embed.c tools/fuzz/check.c
FUZZ_DEPS  := $(wildcard tools/fuzz/*.h $(addprefix module/core/*.,h tbl inc))
FUZZ_FLAGS := $(USER_CPPFLAGS) $(USER_CFLAGS) -DKPS_ORACLE -Itools/fuzz

fuzz: $(FUZZ_OUT)/fuzz ## Generated programs against the verifier (T= seconds, SEED=)
	$< -t $(T) -s $(SEED)

fuzz-crash: $(FUZZ_OUT)/crash ## Bytes against the verifier, by libFuzzer (T= seconds)
	@mkdir -p $(FUZZ_OUT)/corpus
	$< -max_total_time=$(T) -max_len=2048 -rss_limit_mb=4096 -timeout=20 \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus

$(FUZZ_OUT)/fuzz: $(FUZZ_SRCS) tools/fuzz/fuzz.c $(FUZZ_DEPS)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(FUZZ_FLAGS) $(filter %.c,$^) -o $@

$(FUZZ_OUT)/crash: $(CORE_SRCS) tools/fuzz/world.c tools/fuzz/crash.c \
		   $(FUZZ_DEPS)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CLANG) $(USER_CPPFLAGS) -std=gnu11 -O1 -g -Itools/fuzz \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		$(filter %.c,$^) -o $@

.PHONY: fuzz fuzz-crash
