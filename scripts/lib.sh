# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What several of the scripts here need. Sourced.

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# fetch FOLDER PACKAGE...: downloads packages, without installing them. The
# package lists may be older than the mirror: refreshes them and tries again.
fetch()
{
	local folder=$1

	shift
	mkdir -p "$folder"
	(cd "$folder" && apt-get download -qq "$@" 2>/dev/null) && return
	as_root apt-get update -qq >/dev/null
	(cd "$folder" && apt-get download -qq "$@")
}
