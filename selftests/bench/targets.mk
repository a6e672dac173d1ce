# SPDX-License-Identifier: GPL-2.0-only

BENCH_FLAGS = -std=gnu11 -O2 -Wall -D_GNU_SOURCE -Itools/include -Iuapi -Imodule \
	      -Iselftests
BENCH_CORE  = $(wildcard module/core/*.[ch] module/core/*.tbl module/core/*.inc)

$(BUILD)/%_bench: selftests/bench/%_bench.c $(BENCH_CORE) $(wildcard selftests/lib/*.[ch])
	@mkdir -p $(@D)
	@$(CC) $(BENCH_FLAGS) $< selftests/lib/asm.c selftests/lib/run.c \
		module/core/*.c -o $@

bench: bench-verifier bench-interp ## All benchmarks

bench-verifier: $(BUILD)/verifier_bench ## How the verifier's cost grows
	@$<

bench-interp: $(BUILD)/interp_bench ## The interpreter, an instruction
	@$<

.PHONY: bench bench-verifier bench-interp
