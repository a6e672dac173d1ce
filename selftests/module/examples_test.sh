#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The example programs at work: each sees what was done to be seen.

# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/lib/ktap.sh"
# shellcheck source=selftests/lib/programs.sh
. "$(dirname "$0")/lib/programs.sh"

examples=/opt/kapsel/examples

[ -e $examples/execs.bpf.o ] || ktap_skip_all "no clang built the examples"

# run NAME OPTION... -- CMD
run()
{
	file=$1
	shift
	run_object "$examples/$file.bpf.o" "$@"
}

execs()
{
	run execs -- sh -c 'ls / >/dev/null; true' &&
		says out '/ls"'
}

connects()
{
	ip link set lo up
	nc -l 127.0.0.1 5001 >/dev/null &
	listener=$!
	sleep 1
	run tcpconnlat -- sh -c 'echo hello | nc -N -w 2 127.0.0.1 5001'
	result=$?
	kill $listener 2>/dev/null
	[ "$result" -eq 0 ] && says out 5001 && says out '->.*#'
}

histograms()
{
	run slowcalls --set min_us=100000 -- sh -c 'ls / >/dev/null; sleep 0.2' &&
		says out '^ *__x64_sys_[a-z]+ +calls=' && says out '[0-9]+ -> [0-9]+ +[0-9]+ \|#+'
}

# A burst of three; the fourth connection of the second is one too many.
floods()
{
	ip link set lo up
	nc -lk 127.0.0.1 5002 >/dev/null &
	listener=$!
	sleep 1
	run synlimit --set burst=3 --set per_second=0 -- sh -c '
		for i in 1 2 3 4; do echo | nc -N -w 1 127.0.0.1 5002; done; true'
	result=$?
	kill $listener 2>/dev/null
	[ "$result" -eq 0 ] && says out 'let_in=3' && says out 'dropped=[1-9]'
}

# A question for www.example.org, type AAAA; nobody needs to answer.
questions()
{
	ip link set lo up
	run dnslog -- sh -c '
		printf "\022\064\001\000\000\001\000\000\000\000\000\000\003www\007example\003org\000\000\034\000\001" |
			nc -u -w 1 127.0.0.1 53; true' &&
		says out AAAA && says out 'www.example.org' && says out 4660
}

# Each stack leads from the function to whoever called it.
stacks()
{
	run callers --hook kprobe:vfs_statx -- sh -c 'ls /' && says out 'vfs_statx.* <- ' &&
		says out 'stack=[0-9]+, comm="ls"' && says out '^  [0-9]+  vfs_statx'
}

bytes_by_user()
{
	ip link set lo up
	run egress -- sh -c 'echo 0123456789 | nc -u -w 1 127.0.0.1 5003; true' &&
		says out 'calls=1, bytes=11'
}

# What comes from 127.0.9.0/24 is kept out, from 127.0.0.1 it is not.
networks()
{
	ip link set lo up
	ip addr add 127.0.9.1/8 dev lo 2>/dev/null
	kapsel load $examples/blocklist.bpf.o --pin blocklist >out 2>err || { cat err; return 1; }
	kapsel map set networks4 127.0.9.0/24 0 >>out 2>&1 &&
		! ping -c 1 -W 1 -I 127.0.9.1 127.0.0.1 >>out 2>&1 &&
		ping -c 1 -W 2 -I 127.0.0.1 127.0.0.1 >>out 2>&1 &&
		kapsel map dump networks4 >>out 2>&1 && says out '127.0.9.0/24 +[1-9]'
	result=$?
	kapsel unload --all >/dev/null 2>&1
	[ $result -eq 0 ] || cat out
	return $result
}

cd "$(mktemp -d)" || exit 1
ktap_plan 8
ktap_test "programs that are started" execs
ktap_test "connections that are made" connects
ktap_test "histograms of system calls" histograms
ktap_test "connections that are too many" floods
ktap_test "questions to DNS" questions
ktap_test "stacks of calls" stacks
ktap_test "bytes by user" bytes_by_user
ktap_test "networks on a list" networks
ktap_finish
