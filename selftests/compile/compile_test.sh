#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What people write, as their compiler makes it: each program of tools/examples
# and of this folder is built at each -O and -mcpu, and must be accepted. Those of
# tools/examples/reject must be refused with the code that they name; the page for
# authors has a row for each.
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

# "/* KV021: why */" is the second line of each.
refused_as_it_says()
{
	name=$(basename "$1" .bpf.c) object=$out/reject.o
	code=$(sed -n '2s,^/\* \(KV[0-9]*\): .*,\1,p' "$1")
	if [ "$name" = field ] && ! [ -e /sys/kernel/btf/vmlinux ]; then
		echo "the types of this kernel are not known"
		return 4
	fi
	grep -q "^| $code \`$name\` |" tools/examples/README.md ||
		{ echo "not on the page for authors: $code $name"; return 1; }
	compile -O2 v2 "$1" "$object" || return 1
	build/kapsel verify "$object" >"$object.log"
	if [ $? -ne 3 ] || ! grep -q "^error\[$code\]" "$object.log"; then
		echo "not refused with $code"
		cat "$object.log"
		return 1
	fi
}

# What it tells people to type.
page_is_true()
{
	page=tools/examples/README.md
	for example in tools/examples/*.bpf.c; do
		grep -q "^| \`$(basename "$example" .bpf.c)\` |" $page ||
			{ echo "not on the page: $example"; return 1; }
	done
	sed -n '/#include/,/^$/p; /^    SEC/,/^    char/p' $page | sed 's/^    //' >$out/hello.bpf.c
	compile -O2 v2 $out/hello.bpf.c $out/hello.bpf.o &&
		build/kapsel verify $out/hello.bpf.o
}

command -v "$CLANG" >/dev/null || ktap_skip_all "no clang"
[ -x build/kapsel ] || ktap_skip_all "no build/kapsel: make tools"
cpus=$(known_cpus)
mkdir -p "$out"
[ $# -gt 0 ] || set -- tools/examples/*.bpf.c selftests/compile/*.bpf.c \
	tools/examples/reject/*.bpf.c

ktap_plan $(($# + 1))
for source; do
	name=$(basename "$source" .bpf.c)
	case $source in
	*/reject/*) ktap_test "reject/$name" refused_as_it_says "$source" ;;
	*) ktap_test "$name" accepted_in_all_builds "$source" ;;
	esac
done
ktap_test "the page for authors" page_is_true
ktap_finish
