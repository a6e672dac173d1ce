/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - the functions behind the command table */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "cli.h"

extern const struct cli_option attach_options[];
extern const struct cli_option disasm_options[];
extern const struct cli_option exec_options[];
extern const struct cli_option load_options[];
extern const struct cli_option log_options[];
extern const struct cli_option map_options[];
extern const struct cli_option run_options[];
extern const struct cli_option unload_options[];
extern const struct cli_option verify_options[];

typedef int cli_command_fn(int argc, char **argv);

/* cmd_NAME for each row. */
#define COMMAND(_name, _args, _help, _options) cmd_##_name,
cli_command_fn
#include "commands.tbl"
	cmd_help;
#undef COMMAND

/** cli_explain_words - call @fn for each word that explain knows */
void cli_explain_words(void (*fn)(const char *word));

#endif
