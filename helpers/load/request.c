// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From words to requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/load/request.h"
#include "kinds/progs.h"

static int start(struct elfmap_msg *msg)
{
	*msg->text = '\0';
	return 0;
}

static bool is_section(const char *word)
{
	return !strcmp(word, "sec") || !strcmp(word, "section");
}

static int take_type(const char *verb, const char *word, enum bpf_prog_type *ret_type, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	__u32 type;
	int err = elfmap_prog_kind__parse(word, &type, &why);

	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", verb, why.text);
	*ret_type = type;
	return 0;
}

/* ---- load ------------------------------------------------------------------------------------------------ */

/* "sec NAME" and "type TYPE". */
static int take_load_pair(const char *verb, const char *word, const char *value, struct load_request *request,
			  struct elfmap_msg *msg)
{
	bool is_sec = is_section(word);

	if (!value || (is_sec ? request->section != NULL : request->type != BPF_PROG_TYPE_UNSPEC))
		return elfmap_msg__set(msg, -EINVAL, "%s: %s", word,
				       value ? "is said twice" : "has no value behind it");
	if (is_sec) {
		request->section = value;
		return 0;
	}
	return take_type(verb, value, &request->type, msg);
}

int load_request__parse(int argc, char **argv, struct load_request *ret_request, struct elfmap_msg *msg)
{
	struct load_request request = {};
	int err = start(msg);

	for (int i = 1; !err && i < argc; i++) {
		if (is_section(argv[i]) || !strcmp(argv[i], "type")) {
			err = take_load_pair(argv[0], argv[i], i + 1 < argc ? argv[i + 1] : NULL, &request, msg);
			i++;
		} else if (request.nr_files < LOAD_MAX_FILES) {
			request.files[request.nr_files++] = argv[i];
		} else {
			err = -EINVAL;
		}
	}
	if (!err && !request.nr_files)
		err = -EINVAL;
	if (!err)
		*ret_request = request;
	return err;
}

/* ---- attach ---------------------------------------------------------------------------------------------- */

enum pair { PAIR_SEC, PAIR_DEV, PAIR_PRIO, PAIR_HANDLE, PAIR_CHAIN, NO_PAIR };

static enum pair find_pair(const char *word)
{
	static const struct {
		const char *word;
		enum pair pair;
	} pairs[] = {
		{"sec", PAIR_SEC},   {"section", PAIR_SEC},   {"dev", PAIR_DEV},       {"prio", PAIR_PRIO},
		{"pref", PAIR_PRIO}, {"priority", PAIR_PRIO}, {"handle", PAIR_HANDLE}, {"chain", PAIR_CHAIN},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (!strcmp(word, pairs[i].word))
			return pairs[i].pair;
	return NO_PAIR;
}

static int read_number(const char *word, const char *value, __u32 min, __u32 max, __u32 *ret, struct elfmap_msg *msg)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 0);
	if (*value < '0' || *value > '9' || *end || errno || number < min || number > max)
		return elfmap_msg__set(msg, -EINVAL, "%s: '%s' is no number from %u to %u", word, value, min, max);
	*ret = (__u32)number;
	return 0;
}

/* A word with a value behind it; SEEN has a bit for each that has been taken. */
static int take_pair(enum pair pair, const char *word, const char *value, unsigned int *seen,
		     struct elfmap_attach_request *request, struct elfmap_msg *msg)
{
	if (!value || *seen & 1u << pair)
		return elfmap_msg__set(msg, -EINVAL, "%s: %s", word,
				       value ? "is said twice" : "has no value behind it");
	*seen |= 1u << pair;
	switch (pair) {
	case PAIR_SEC:
		request->section = value;
		return 0;
	case PAIR_DEV:
		request->dev = value;
		return 0;
	case PAIR_PRIO:
		return read_number(word, value, 1, 0xffff, &request->prio, msg);
	case PAIR_HANDLE:
		return read_number(word, value, 1, UINT32_MAX, &request->handle, msg);
	default:
		return read_number(word, value, 0, 0xfffffff, &request->chain, msg);
	}
}

/* Which hook of the device: a direction, or the name of a kind that has none. */
static bool take_place(const char *word, struct elfmap_attach_request *request)
{
	const struct elfmap_hook_kind *kind = elfmap_hook_kind__find(word);

	if (request->direction || (request->kind && !strcmp(request->kind->name, word)))
		return false;
	if (!strcmp(word, "ingress"))
		request->direction = ELFMAP_INGRESS;
	else if (!strcmp(word, "egress"))
		request->direction = ELFMAP_EGRESS;
	else if (kind && (kind->has & ELFMAP_HOOK_DEVICE) && !(kind->has & ELFMAP_HOOK_DIRECTION))
		request->kind = kind;
	else
		return false;
	return true;
}

static int take_word(const char *verb, const char *word, struct elfmap_attach_request *request, struct elfmap_msg *msg)
{
	if (!strcmp(word, "--tcx"))
		request->kind = elfmap_hook_kind__find("tcx");
	else if (take_place(word, request))
		return 0;
	else if (!request->what)
		request->what = word;
	else
		return elfmap_msg__set(msg, -EINVAL, "%s: '%s' is none of its words", verb, word);
	return 0;
}

static int finish_attach(struct elfmap_attach_request *request, struct elfmap_msg *msg)
{
	if (!request->kind)
		request->kind = elfmap_hook_kind__find("filter");
	if (!request->dev || (request->kind->has & ELFMAP_HOOK_DIRECTION && !request->direction))
		return -EINVAL;
	if (!(request->kind->has & ELFMAP_HOOK_PLACE) && (request->prio || request->handle || request->chain))
		return elfmap_msg__set(msg, -EINVAL, "--tcx: links of tcx have no prio, handle or chain");
	if (!request->section)
		request->section = ELF_SECTION_CLASSIFIER;
	return 0;
}

int attach_request__parse(int argc, char **argv, struct elfmap_attach_request *ret_request, struct elfmap_msg *msg)
{
	struct elfmap_attach_request request = {};
	unsigned int seen = 0;
	int err = start(msg);

	for (int i = 1; !err && i < argc; i++) {
		enum pair pair = find_pair(argv[i]);

		if (pair == NO_PAIR) {
			err = take_word(argv[0], argv[i], &request, msg);
			continue;
		}
		err = take_pair(pair, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &seen, &request, msg);
		i++;
	}
	err = err ?: finish_attach(&request, msg);
	if (!err)
		*ret_request = request;
	return err;
}

/* ---- graft ----------------------------------------------------------------------------------------------- */

static int take_graft_word(const char *verb, const char *word, struct elfmap_graft_request *request,
			   struct elfmap_msg *msg)
{
	if (!request->pin)
		request->pin = word;
	else if (!request->slot)
		request->slot = word;
	else if (!request->file)
		request->file = word;
	else
		return elfmap_msg__set(msg, -EINVAL, "%s: '%s' is none of its words", verb, word);
	return 0;
}

static bool is_whole(const struct elfmap_graft_request *request, bool empty)
{
	if (empty)
		return request->slot && !request->file && !request->section && !request->type_name;
	return request->section && request->file;
}

int graft_request__parse(int argc, char **argv, struct elfmap_graft_request *ret_request, struct elfmap_msg *msg)
{
	struct elfmap_graft_request request = {};
	bool empty = false;
	int err = start(msg);

	for (int i = 1; !err && i < argc; i++) {
		if (!strcmp(argv[i], "--empty")) {
			empty = true;
		} else if (is_section(argv[i]) && i + 1 < argc && !request.section) {
			request.section = argv[++i];
		} else if (!strcmp(argv[i], "type") && i + 1 < argc && !request.type) {
			err = take_type(argv[0], argv[++i], &request.type, msg);
			request.type_name = argv[i];
		} else {
			err = take_graft_word(argv[0], argv[i], &request, msg);
		}
	}
	if (!err && !is_whole(&request, empty))
		err = -EINVAL;
	if (err)
		return err;
	*ret_request = request;
	return 0;
}
