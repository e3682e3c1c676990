/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internal to `elfmap apply`: the lines of a pipeline, the plan for each, and what was done. */
#ifndef ELFMAP_PIPELINE_H
#define ELFMAP_PIPELINE_H

#include "hook/attachment.h"
#include "hook/graft.h"

enum intent {
	WILL_KEEP, /* matches the line */
	WILL_ADD,
	WILL_CHANGE,
};

enum line_kind { LINE_LOAD, LINE_ATTACH, LINE_MAP, LINE_SLOT };

struct pipeline_line {
	size_t number;
	enum line_kind kind;
	int argc;
	char **argv;	   /* argv[0] is the kind; ends in NULL */
	const char *value; /* load, slot: the section; map: the types; NULL: none */
	enum intent intent;
	bool is_done;
	struct elfmap_attachment attachment; /* attach */
	bool is_upgrade;		     /* attach: all hooks of the object get its new version */
	struct elfmap_graft graft;	     /* slot: as it was planned, then as it was done */
	bool is_late;			     /* slot: of a table that an upgrade creates, and fills before it is used */
	char *types;			     /* map: a copy of its types, split into key and value */
	struct elfmap_load *load;	     /* load: as it was planned, then what was committed */
	char path[4096];		     /* map, slot: of the pin */
	char mark[4096]; /* map: a directory that exists from before the pin until after the entries */
	bool is_marked;	 /* map: by this command */
};

struct pipeline {
	const char *tc_dir;
	char *text; /* the file, cut into words */
	struct pipeline_line *lines;
	size_t nr_lines;
	size_t failed; /* number of the line that a message is about; 0: none */
};

/* slot: opens the graft of LINE for the table pinned at PATH. */
int pipeline_line__open_graft(const struct pipeline *pipeline, struct pipeline_line *line, const char *path,
			      bool is_locked, struct elfmap_msg *msg);
/* Puts "CULPRIT: " before the message. Returns ERR. */
int pipeline__name_culprit(const char *culprit, int err, struct elfmap_msg *msg);

/* pipeline.c: splits a file into lines and words, and parses them. '#' starts a comment; "words with spaces" are in
 * quotes. */
int pipeline__read(struct pipeline *pipeline, const char *file, struct elfmap_msg *msg);
int pipeline__parse(struct pipeline *pipeline, struct elfmap_msg *msg);
/* Frees everything; unless KEEP, first undoes what was done, in reverse order. */
void pipeline__close(struct pipeline *pipeline, bool keep);

int pipeline__plan(struct pipeline *pipeline, struct elfmap_msg *msg);	  /* pipeline_plan.c */
int pipeline__execute(struct pipeline *pipeline, struct elfmap_msg *msg); /* pipeline_execute.c */

#endif
