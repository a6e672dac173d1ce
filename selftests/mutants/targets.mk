# SPDX-License-Identifier: GPL-2.0-only
#
#   make mutants [M="name..."]             each bug of *.mut must be found
#   make mutants-module [M="name..."]      each of module/*.mut, in a VM
#
# Objects without any bug are compiled once; `run` compiles again what a bug changes.

MUTANTS_OUT   := $(BUILD)/mutants
MUTANTS_TESTS := verdict/verdict_test insn/insn_test \
		 $(patsubst %,unit/%_test,cfg insn interp limits lower pairs returns rewrite domain)
MUTANTS_SRCS  := $(FUZZ_SRCS) tools/fuzz/fuzz.c $(wildcard selftests/lib/*.c selftests/prove/*.c) \
		 $(MUTANTS_TESTS:%=selftests/%.c)
MUTANTS_OBJS  := $(MUTANTS_SRCS:%.c=$(MUTANTS_OUT)/base/%.o)
MUTANTS_FLAGS := $(filter-out -DKAPSEL_%,$(USER_CPPFLAGS)) -std=gnu11 -O1 -w -DKPS_ORACLE -Itools/fuzz \
		 -Iselftests -isystem $(BUILD)/kselftest

mutants: $(MUTANTS_OBJS) ## Deliberate bugs of the verifier, each to be found (M= names)
	@CC="$(CC)" CPPFLAGS="$(MUTANTS_FLAGS)" FUZZ="$(FUZZ_SRCS)" selftests/mutants/run $(M)

$(MUTANTS_OUT)/base/%.o: %.c Makefile scripts/user.mk selftests/mutants/targets.mk
	$(call say,CC)
	@scripts/get-kselftest
	@mkdir -p $(@D)
	@$(CC) $(MUTANTS_FLAGS) -MMD -MP -c $< -o $@

mutants-module: tools examples selftests ## Deliberate bugs of the module, each to be found in a VM (M= names)
	@selftests/mutants/run-module $(M)

-include $(MUTANTS_OBJS:.o=.d)

.PHONY: mutants mutants-module
