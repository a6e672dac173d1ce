// SPDX-License-Identifier: GPL-2.0-only
/* `make prove` where nothing can be fetched: what needs CBMC is skipped, and says why */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "tree.h"

/* A tree with what `make prove` runs, of which the part without CBMC is done already. */
static const char script[] =
	"set -eu; tree=$0; work=$(mktemp -d); trap 'rm -rf \"$work\"' EXIT\n"
	"mkdir -p \"$work\"/bin \"$work\"/selftests/prove \"$work\"/build/prove\n"
	"cp -r \"$tree\"/scripts \"$work\"\n"
	"cp \"$tree\"/selftests/prove/run \"$work\"/selftests/prove\n"
	"printf '#!/bin/sh\\nexit 0\\n' >\"$work\"/build/prove/exhaustive\n"
	"printf '#!/bin/sh\\necho E: no network >&2\\nexit 100\\n' >\"$work\"/bin/apt-get\n"
	"chmod +x \"$work\"/build/prove/exhaustive \"$work\"/bin/apt-get\n"
	"PATH=$work/bin:$PATH \"$work\"/selftests/prove/run --quick\n"
	"[ ! -e \"$work\"/build/cbmc ] && [ ! -e \"$work\"/build/apt/updated ]\n";

TEST(no_network)
{
	char path[PATH_MAX], command[sizeof(script) + PATH_MAX + 32], out[4096];
	size_t len;
	FILE *run;

	ASSERT_EQ(0, setenv("PROVE_SCRIPT", script, 1));
	snprintf(command, sizeof(command), "bash -c \"$PROVE_SCRIPT\" '%s'", tree_path("", path));
	run = popen(command, "r");
	ASSERT_NE(NULL, run);
	len = fread(out, 1, sizeof(out) - 1, run);
	out[len] = '\0';
	EXPECT_EQ(0, pclose(run)) {
		TH_LOG("%s", out);
	}
	EXPECT_NE(NULL, strstr(out, "\nok 1 "));
	EXPECT_NE(NULL, strstr(out, "\nok 2 - CBMC, at 64 and 32 bits # SKIP"));
	EXPECT_NE(NULL, strstr(out, " no CBMC: its packages can't be fetched\n")) {
		TH_LOG("%s", out);
	}
}

TEST_HARNESS_MAIN
