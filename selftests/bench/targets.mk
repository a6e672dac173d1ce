# SPDX-License-Identifier: GPL-2.0-only

BENCH_FLAGS = -std=gnu11 -O2 -Wall -Itools/include -Iuapi -Imodule -Iselftests

$(BUILD)/verifier_bench: selftests/bench/verifier_bench.c $(wildcard module/core/*)
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $< module/core/*.c -o $@

bench-verifier: $(BUILD)/verifier_bench ## How the verifier's cost grows
	@$<

.PHONY: bench-verifier
