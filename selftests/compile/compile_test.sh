#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What people write, as their compiler makes it: each program of tools/examples
# and of this folder is built at each -O and -mcpu, and must be accepted.
#
#   make tools && selftests/compile/compile_test.sh [PROGRAM.bpf.c...]

cd "$(dirname "$0")/../.." || exit

CLANG=${CLANG:-clang}
out=build/compile

. selftests/lib/ktap.sh

# What a clang does not know yet is left out: v4 came with clang 18.
known_cpus()
{
	for cpu in v1 v2 v3 v4; do
		echo 'int x;' | "$CLANG" -target bpf -mcpu=$cpu -x c -c - \
			-o /dev/null 2>/dev/null && echo $cpu
	done
}

compile()
{
	"$CLANG" "$1" -mcpu="$2" -g -target bpf -Wall -Werror -Itools/bpf -Iuapi \
		-idirafter "/usr/include/$(cc -print-multiarch)" -c "$3" -o "$4"
}

# One build of one program; says which, and why, if it is not accepted.
accepted()
{
	object=$out/$(basename "$3" .bpf.c)$1-$2.o
	if ! { compile "$1" "$2" "$3" "$object" && build/kapsel verify "$object"; } \
		>"$object.log" 2>&1; then
		echo "refused: $1 -mcpu=$2"
		cat "$object.log"
		return 1
	fi
}

# The builds of a program share the processors.
accepted_in_all_builds()
{
	pids='' status=0
	for level in -O1 -O2 -Os; do
		for cpu in $cpus; do
			accepted "$level" "$cpu" "$1" &
			pids="$pids $!"
		done
	done
	for pid in $pids; do
		wait "$pid" || status=1
	done
	return $status
}

command -v "$CLANG" >/dev/null || ktap_skip_all "no clang"
[ -x build/kapsel ] || ktap_skip_all "no build/kapsel: make tools"
cpus=$(known_cpus)
mkdir -p "$out"
[ $# -gt 0 ] || set -- tools/examples/*.bpf.c selftests/compile/*.bpf.c

ktap_plan $#
for source; do
	ktap_test "$(basename "$source" .bpf.c)" accepted_in_all_builds "$source"
done
ktap_finish
