/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verbs of the command `elfmap` share: the table's row, exit statuses, messages, JSON.
 * A verb queries first, into a struct, and renders that struct afterwards: plain or JSON.
 */
#ifndef ELFMAP_COMMAND_H
#define ELFMAP_COMMAND_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "elfmap.h"
#include "helpers/complain.h"

/* A verb, or a verb below a verb ("map dump"). run() gets argv[0] = its own name and returns the
 * exit status; 2 makes the caller print the usage line. Help is made from the table. NULL: it
 * is the launcher's, and stands in the table for the help. */
struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments; /* "FILE"; "VERB ...": run() is run_verb() with a table of its own */
	const char *summary;   /* one line, lower case, no full stop */
};

/* -j and -p, wherever on the line they stood (before or after the verb's words). */
struct output {
	bool json;
	bool pretty;
};
extern struct output output;

/* Finds argv[0] in TABLE (which ends in a row without name) and runs it. PREFIX is what stands
 * before it in the usage ("elfmap map"). `help`, `-h`, `--help`: the table on stdout, status 0;
 * nothing or an unknown word: on stderr, status 2. */
int run_verb(const struct verb *table, const char *prefix, int argc, char **argv);

/* Returns STATUS, for a verb whose status 2 is an error that it has reported (as that of diff(1) is): the usage line is
 * not printed. */
int without_usage(int status);

/* Takes -j, --json, -p, --pretty (into `output`) and `-n NS` (which it obeys: from then on device names
 * are those of NS) out of argv, refuses any other word that starts with '-', is no number and that TAKES
 * does not list (space-separated, e.g. "--pin --for"; NULL: none).
 * Returns the new argc, or -1 after complaining. */
int take_options(int argc, char **argv, const char *takes);

/* Takes every WORD (an option of one verb, like --force) out of argv; was there one? */
bool take_word(int *argc, char **argv, const char *word);

/* The type of program that WORD means. -EINVAL after complaining in the name of VERB. */
int parse_prog_type(const char *word, const char *verb, __u32 *ret_type);

/* Prints ROOT on stdout as -j or -p asks for it, with a line end, and frees it. */
void print_json(json_object *root);

/* The verbs, one file each. */
int verb_show(int argc, char **argv);	 /* show.c */
int verb_check(int argc, char **argv);	 /* check.c */
int verb_convert(int argc, char **argv); /* convert.c */
int verb_decl(int argc, char **argv);	 /* decl.c */
int verb_load(int argc, char **argv);	 /* load.c */
int verb_unload(int argc, char **argv);	 /* unload.c */
int verb_attach(int argc, char **argv);	 /* attach.c */
int verb_detach(int argc, char **argv);
int verb_graft(int argc, char **argv);	 /* graft.c */
int verb_apply(int argc, char **argv);	 /* apply.c */
int verb_doctor(int argc, char **argv);	 /* doctor.c */
int verb_upgrade(int argc, char **argv); /* upgrade.c */
int verb_map(int argc, char **argv);	 /* map.c: a table of its own */
int verb_cgroup(int argc, char **argv);	 /* cgroup.c: likewise */

#endif
