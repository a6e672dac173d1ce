#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs as people write them for libbpf, at work: each sees what was done to be seen.

# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/lib/ktap.sh"
# shellcheck source=selftests/lib/programs.sh
. "$(dirname "$0")/lib/programs.sh"

objects=$(cd "$(dirname "$0")" && pwd)
[ -e "$objects/vfsstat.bpf.o" ] || ktap_skip_all "no clang built the programs"

# A text, in records that are shown as bytes.
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

# run NAME OPTION... -- CMD
run()
{
	file=$1
	shift
	run_object "$objects/$file.bpf.o" "$@"
}

# Linux 7 calls no function for what sync does: it is a part of its caller.
counts_calls()
{
	run vfsstat -- sh -c 'echo >counted; cat /etc/passwd >/dev/null; sync counted' &&
		says out 'stats=\[[1-9][0-9]*, [1-9][0-9]*, [01], [1-9]'
}

opened_files()
{
	run opensnoop -- sh -c 'cat /etc/passwd /no/such/file >/dev/null; true' &&
		says out "$(hex /etc/passwd)" &&
		says out "feffffff.*$(hex /no/such/file)"
}

only_failed_ones()
{
	run opensnoop --set only_failed=true -- \
		sh -c 'cat /etc/passwd /no/such/file >/dev/null; true' &&
		says out "$(hex /no/such/file)" && ! says out "$(hex /etc/passwd)" >/dev/null
}

questions_about_files()
{
	run statsnoop -- sh -c 'stat /etc/passwd /no/such >/dev/null; true' &&
		says out "$(hex /etc/passwd)" && says out "feffffff.*$(hex /no/such)"
}

signals()
{
	run killsnoop -- sh -c 'sleep 10 & kill -USR1 $!; kill -0 999999; true' &&
		says out '^ +[0-9]+ +[0-9]+ +10 +0 +sh$' &&
		says out '^ +[0-9]+ +999999 +0 +-3 +sh$'
}

mounts()
{
	mkdir -p mounted
	run mountsnoop -- sh -c 'mount -t tmpfs something mounted && umount mounted
		mount -t nosuch a mounted; true' &&
		says out ' 0 +mount +"tmpfs" +"something" ' &&
		says out ' -19 +mount +"nosuch" +"a" '
}

files_that_went_soon()
{
	run filelife -- sh -c 'echo >shortlived; rm shortlived' &&
		says out "$(hex shortlived)"
}

# Port 5005 is 0x138d, 5006 one more.
bound_sockets()
{
	ip link set lo up
	run bindsnoop -- sh -c 'timeout 1 nc -l 127.0.0.1 5005; timeout 1 nc -u -l ::1 5006; true' &&
		says out "8d13.*7f000001.*$(hex nc)" && says out "8e13.*$(hex nc)"
}

connections()
{
	ip link set lo up
	run tcplife -- sh -c 'nc -l 127.0.0.1 5007 >/dev/null & sleep 0.5
		echo hello | nc -N -w 2 127.0.0.1 5007; sleep 1' &&
		says out '7f0000017f000001....8f13' && says out '7f0000017f0000018f13'
}

# Where the scheduler's functions have those names.
waiting_for_a_processor()
{
	switched=$(sed -n 's/.* t \(finish_task_switch[^ ]*\)$/\1/p' /proc/kallsyms | head -n 1)
	[ -n "$switched" ] && grep -qw ttwu_do_wakeup /proc/kallsyms ||
		{ echo "other functions in this kernel"; return 4; }
	run runqlat --hook "switched=kprobe:$switched" -- \
		sh -c 'for i in 1 2 3 4; do sleep 0.05; done' &&
		says out '^ +[0-9]+ -> [0-9]+ +[0-9]+ \|.*#'
}

packets_of_a_user()
{
	ip link set lo up
	run cgcount -- ping -q -c 2 -i 0.2 127.0.0.1 &&
		says out 'uid=0, out=1}.*packets=[1-4], bytes=' &&
		says out 'out=0}.*packets=[1-4], bytes='
}

requests()
{
	ip link set lo up
	run cgpeek -- sh -c 'nc -l 127.0.0.1 80 >/dev/null & sleep 0.5
		printf "GET / HTTP/1.0\r\n\r\n" | nc -N -w 1 127.0.0.1 80' &&
		says out '^ +80  {count=\[0, 1, 0'
}

# One of three fits in the bucket with its answer.
bucket_of_tokens()
{
	ip link set lo up
	run cgbucket --set burst=1000 --set rate=1 -- \
		sh -c 'ping -q -c 3 -s 600 -i 0.2 -W 1 127.0.0.1; true' &&
		says out 'dropped=2' && says out ' 2 dropped   2 accepted'
}

# What goes to a port on the list is dropped, and counted there.
denied_port()
{
	ip link set lo up
	kapsel load "$objects/cgports.bpf.o" --pin cgports >out 2>err || { cat err; return 1; }
	kapsel map set denied 25 0 >>out 2>&1 &&
		! nc -z -w 1 127.0.0.1 25 >>out 2>&1 &&
		kapsel map dump denied >>out 2>&1 && says out '^25 +[1-9]'
	result=$?
	kapsel unload --all >/dev/null 2>&1
	[ $result -eq 0 ] || cat out
	return $result
}

# Nothing here sees what a socket filter sees, unless it is told where to look.
socket_filters()
{
	! kapsel run "$objects/sockfilter.bpf.o" -- true >out 2>&1 && says out 'no such hook'
}

cd "$(mktemp -d)" || exit 1
ktap_plan 15
ktap_test "calls of the file system" counts_calls
ktap_test "files that are opened" opened_files
ktap_test "files that are not there" only_failed_ones
ktap_test "questions about files" questions_about_files
ktap_test "signals that are sent" signals
ktap_test "mounts" mounts
ktap_test "files that do not live long" files_that_went_soon
ktap_test "sockets that are bound" bound_sockets
ktap_test "lives of connections" connections
ktap_test "waiting for a processor" waiting_for_a_processor
ktap_test "packets by user" packets_of_a_user
ktap_test "requests by port" requests
ktap_test "a bucket of tokens" bucket_of_tokens
ktap_test "a port that is denied" denied_port
ktap_test "a socket filter" socket_filters
ktap_finish
