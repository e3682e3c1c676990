/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Usage and help of verbs. PREFIX precedes a verb: "elfmap" or "elfmap map". */
#ifndef ELFMAP_HELP_H
#define ELFMAP_HELP_H

#include "helpers/command.h"

/* The usage of VERB in one line, and all verbs of TABLE with their summaries: text, also for stderr. */
void help__print_usage(FILE *to, const char *prefix, const struct verb *verb);
void help__print_table(FILE *to, const struct verb *const *table, const char *prefix);

/* What `help`, `-h` and `--help` print on stdout: the verbs of TABLE, or the usage and options of VERB; with -j as
 * JSON. Both return the exit status. */
int help__print_verbs(const struct verb *const *table, const char *prefix);
int help__print_verb(const char *prefix, const struct verb *verb);

#endif
