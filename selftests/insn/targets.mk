# SPDX-License-Identifier: GPL-2.0-only
#
#   make random-insn [N=programs] [SEED=n]
#   make random-engines [N=programs] [SEED=n]

RANDOM_INSN  := $(BUILD)/insn/random_test
random-insn: private N := 1000000

random-insn: $(RANDOM_INSN) ## Random programs against RFC 9669 read aloud (N=, SEED=)
	@$< $(N) $(SEED)

$(RANDOM_INSN): selftests/insn/random_test.c selftests/lib/run.c selftests/lib/naive.c \
		$(BUILD)/libkapsel.a
	$(call say,CC)
	@scripts/get-kselftest
	@mkdir -p $(@D)
	@$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) -Wno-extra -Iselftests -isystem $(BUILD)/kselftest \
		$(filter %.c %.a,$^) -o $@

random-engines: private N := 100000

random-engines: module tools selftests ## Random programs on all three engines, in the VM (N=, SEED=)
	@scripts/vm --no-build --timeout 7200 -- env RANDOM_PROGRAMS=$(N) $(SEED:%=RANDOM_SEED=%) \
		/opt/kapsel/selftests/kapsel/engines_test

.PHONY: random-insn random-engines
