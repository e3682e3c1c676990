/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The words of load, attach, detach, graft and of a pipeline's lines, as requests. Nothing here prints, exits or asks
 * the system: on failure the message says what is wrong with which word, or is empty where the usage line says it all.
 */
#ifndef ELFMAP_REQUEST_H
#define ELFMAP_REQUEST_H

#include "hook/attachment.h"
#include "hook/graft.h"

#define LOAD_MAX_FILES 64

struct load_request {
	const char *files[LOAD_MAX_FILES];
	size_t nr_files;
	const char *section;
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: what the sections' names suggest */
};

/* Each takes the words behind argv[0], which is the verb. -EINVAL: wrong usage. */
int load_request__parse(int argc, char **argv, struct load_request *ret_request, struct elfmap_msg *msg);
int attach_request__parse(int argc, char **argv, struct elfmap_attach_request *ret_request, struct elfmap_msg *msg);
/* A request to empty a slot has no file. */
int graft_request__parse(int argc, char **argv, struct elfmap_graft_request *ret_request, struct elfmap_msg *msg);

#endif
