// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From words to requests. */
#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/load/request.h"
#include "kinds/progs.h"

/* ---- attach, detach -------------------------------------------------------------------------------------- */

#define PLACE_XDP 0x100 /* and the mode */

const struct option_choice attach_places[] = {
	{"ingress", ELFMAP_INGRESS, false},
	{"egress", ELFMAP_EGRESS, false},
	{"xdp", PLACE_XDP | ELFMAP_XDP_ANY, false},
	{"xdpgeneric", PLACE_XDP | ELFMAP_XDP_GENERIC, false},
	{"xdpdrv", PLACE_XDP | ELFMAP_XDP_NATIVE, false},
	{"xdpoffload", PLACE_XDP | ELFMAP_XDP_OFFLOAD, .is_hidden = true},
	{},
};

#define ATTACH_ROWS(required, instead)                                                                         \
	{NULL, "FILE|PIN", required, OPTION_TEXT_AT(struct attach_words, request.what),                        \
	 .completes = COMPLETE_FILE_OR_PIN},                                                                   \
		{"sec|section",                                                                                \
		 "NAME",                                                                                       \
		 0,                                                                                            \
		 OPTION_TEXT_AT(struct attach_words, request.section),                                         \
		 .completes = COMPLETE_SECTION,                                                                \
		 .help = "section of the program; without it classifier, for XDP prog"},                       \
		{"dev",                                                                                        \
		 "DEV",                                                                                        \
		 OPTION_REQUIRED,                                                                              \
		 OPTION_TEXT_AT(struct attach_words, request.dev),                                             \
		 .unless = (instead),                                                                          \
		 .completes = COMPLETE_DEV},                                                                   \
		{NULL, NULL, OPTION_REQUIRED, OPTION_CHOICE_AT(struct attach_words, place, attach_places),     \
		 .unless = (instead)},                                                                         \
		{"prio|pref|priority", "P", 0, OPTION_NUMBER_AT(struct attach_words, request.prio, 1, 0xffff), \
		 .help = "priority of the filter"},                                                            \
		{"handle", "H", 0, OPTION_NUMBER_AT(struct attach_words, request.handle, 1, 0xffffffff),       \
		 .help = "handle of the filter"},                                                              \
		{"chain", "C", 0, OPTION_NUMBER_AT(struct attach_words, request.chain, 0, 0xfffffff),          \
		 .help = "chain of the filter"},                                                               \
		{"--tcx", NULL, 0, OPTION_FLAG_AT(struct attach_words, tcx),                                   \
		 .help = "a tcx link instead of a filter"},                                                    \
	{                                                                                                      \
		"--link", NULL, 0, OPTION_FLAG_AT(struct attach_words, link), .unless = "--tcx",               \
									      .help = "XDP: a pinned link"     \
	}

const struct option_row attach_options[] = {
	ATTACH_ROWS(OPTION_REQUIRED, NULL),
	{"set", "NAME=VALUE", 0, OPTION_SETTINGS_AT(struct attach_words, request.settings), .help = SET_HELP},
	{},
};
const struct option_row detach_options[] = {
	ATTACH_ROWS(0, "--all"),
	{"--all", NULL, 0, OPTION_FLAG_AT(struct attach_words, all),
	 .help = "all hooks of FILE in this network namespace"},
	{},
};

int attach_words__finish(const struct attach_words *words, struct elfmap_attach_request *ret_request,
			 struct elfmap_msg *msg)
{
	struct elfmap_attach_request request = words->request;

	bool is_xdp = words->place & PLACE_XDP;

	if (words->all)
		return elfmap_msg__set(msg, -EINVAL, "--all: is an option of the command, not of a line");

	request.kind = elfmap_hook_kind__find(is_xdp ? "xdp" : words->tcx ? "tcx" : "filter");
	if (words->tcx && is_xdp)
		return elfmap_msg__set(msg, -EINVAL, "--tcx: requires one of ingress, egress");
	if (words->link && !is_xdp)
		return elfmap_msg__set(msg, -EINVAL, "--link: requires one of xdp, xdpgeneric, xdpdrv");
	if (is_xdp)
		request.mode = (enum elfmap_xdp_mode)(words->place & ~PLACE_XDP);
	request.by_link = words->link;
	if (!(request.kind->has & ELFMAP_HOOK_PLACE) && (request.prio || request.handle || request.chain))
		return elfmap_msg__set(msg, -EINVAL, "%s: has no prio, handle or chain", request.kind->name);
	if (request.kind->has & ELFMAP_HOOK_DIRECTION)
		request.direction = (enum elfmap_direction)words->place;
	if (!request.section)
		request.section = is_xdp ? ELF_SECTION_PROG : ELF_SECTION_CLASSIFIER;
	*ret_request = request;
	return 0;
}

/* ---- graft ----------------------------------------------------------------------------------------------- */

const struct option_row graft_options[] = {
	{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct graft_words, request.pin),
	 .completes = COMPLETE_PIN},
	{NULL, "SLOT", OPTION_REQUIRED, OPTION_TEXT_AT(struct graft_words, request.slot)},
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct graft_words, request.file), .unless = "--empty",
	 .completes = COMPLETE_FILE},
	{"sec|section", "NAME", OPTION_REQUIRED, OPTION_TEXT_AT(struct graft_words, request.section),
	 .unless = "--empty", .completes = COMPLETE_SECTION, .help = "the program's section"},
	OPTION_PROG_TYPE_ROW(struct graft_words, request.type, .unless = "--empty"),
	{"--empty", NULL, 0, OPTION_FLAG_AT(struct graft_words, empty), .help = "empty the slot"},
	{},
};
