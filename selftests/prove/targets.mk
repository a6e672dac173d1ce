# SPDX-License-Identifier: GPL-2.0-only
#
# Proofs of the number domain.
#
#   make prove              all of it
#   make prove-quick        what fits into a run of all tests

PROVE_OUT   := $(BUILD)/prove
PROVE_FLAGS := -std=gnu11 -O2 -g -Wall -Werror -D_GNU_SOURCE -Itools/include -Iuapi \
	       -Imodule -Iselftests
PROVE_SRCS  := $(wildcard selftests/prove/*.c) selftests/lib/concrete.c

prove: $(PROVE_OUT)/exhaustive ## Proofs of the number domain: exhaustive, and by CBMC at 64 bits
	@selftests/prove/run

prove-quick: $(PROVE_OUT)/exhaustive ## The proofs that take seconds
	@selftests/prove/run --quick

$(PROVE_OUT)/exhaustive: $(PROVE_SRCS) $(BUILD)/libkapsel.a \
			 $(wildcard selftests/prove/*.h selftests/lib/concrete.h module/core/*.h)
	$(call say,CC)
	@mkdir -p $(@D)
	@$(CC) $(PROVE_FLAGS) $(filter %.c,$^) $(BUILD)/libkapsel.a -o $@

.PHONY: prove prove-quick
