# SPDX-License-Identifier: GPL-2.0-only
#
# How much of the core the tests in userspace run: each file's lines and
# branches, by gcov. Neither optimized nor inlined, a branch is one of the source,
# and counted once.
#
#   make coverage           fails if too few branches are taken

COV_OUT   := $(BUILD)/coverage
COV_WRAP  := -lgcov -Wl,--wrap=_exit
COV_FUZZ  := $(filter-out embed oracle,$(FUZZ_PARTS))
COV_FUZZ_FLAGS := $(filter-out -DKPS_ORACLE,$(FUZZ_FLAGS))
COV_TESTS := $(COV_OUT)/exhaustive $(COV_OUT)/fuzz

USER_OUTPUT += $(COV_OUT)

$(eval $(call variant,$(COV_OUT),$(COV_OUT)/obj,--coverage -O0 -D__always_inline__=__unused__))

coverage: covered $(COV_TESTS) ## Branches of the core that the tests take, by gcov
	@selftests/coverage/run

covered: $(COV_OUT)/libkapsel.a $(COV_OUT)/libfuzz.a
	@scripts/get-kselftest
	+@$(KSELFTEST) covered

$(COV_OUT)/exhaustive: $(wildcard selftests/prove/*.[ch]) selftests/lib/concrete.c
$(COV_OUT)/exhaustive: private COV_FLAGS = $(PROVE_FLAGS)

$(COV_OUT)/fuzz: tools/fuzz/fuzz.c $(COV_OUT)/libfuzz.a $(FUZZ_DEPS)
$(COV_OUT)/fuzz: private COV_FLAGS = $(COV_FUZZ_FLAGS)

# The fuzzer, which looks on from outside.
$(COV_OUT)/libfuzz.a: $(COV_FUZZ:%=$(COV_OUT)/obj/fuzz/%.o)
	$(call say,AR)
	@rm -f $@.new && $(AR) rcs $@.new $^ && mv $@.new $@

$(COV_OUT)/obj/fuzz/%.o: tools/fuzz/%.c $(FUZZ_DEPS)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(COV_FUZZ_FLAGS) -c $< -o $@

$(COV_TESTS): selftests/coverage/exit.c $(COV_OUT)/libkapsel.a
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(COV_FLAGS) $(filter %.c,$^) $(sort $(filter %.a,$^)) $(COV_WRAP) -o $@

.PHONY: coverage covered
