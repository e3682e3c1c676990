/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verbs that load objects print alike. */
#ifndef ELFMAP_REPORT_H
#define ELFMAP_REPORT_H

#include "hook/hook.h"

/* For struct elfmap_load_opts: a line on stderr. */
void warn_of_object(const char *file, const char *text);

/* "dev v0 ingress prio 1 handle 0x1 chain 0 NAME", or where its kind has no such place "dev v0 ingress tcx NAME". */
void print_hook(const struct elfmap_hook *hook, const char *name);

#endif
