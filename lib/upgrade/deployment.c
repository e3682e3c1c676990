// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the hooks of an object by their names, exchanges their programs, and finds the maps that these use: after an
 * upgrade in another namespace the pins may be maps of another version. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "hook/lwt.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "load/note.h"
#include "map/map.h"
#include "object/object.h"
#include "pins/pin_change.h"
#include "pins/pins.h"
#include "upgrade/deployment.h"
#include "upgrade/identity.h"
#include "upgrade/running.h"

/* ---- hooks ----------------------------------------------------------------------------------------------- */

/* "SECTION" of "OBJECT:[SECTION]", or NULL; free() it. */
static char *section_of(const char *object, const char *name)
{
	size_t length = strlen(object), whole = strlen(name);

	if (strncmp(name, object, length) != 0 || strncmp(name + length, ":[", 2) != 0 || name[whole - 1] != ']')
		return NULL;
	return strndup(name + length + 2, whole - length - 3);
}

/* Is this the name of a pinned program's filter? It tells the function at most, and not the file. */
static bool is_of_pin(const char *name)
{
	size_t length = strlen(name), tail = strlen(ELFMAP_PINNED_SECTION);

	return length > tail && !strcmp(name + length - tail, ELFMAP_PINNED_SECTION);
}

/* Takes ownership of SECTION, also on failure. */
static int add_hook(struct elfmap_deployment *deployment, const struct elfmap_hook *hook, char *section)
{
	struct elfmap_deployed *grown = elfmap_array__grow(deployment->at, deployment->nr, sizeof(*grown));
	int err = grown ? elfmap_holder__hold(&deployment->holder, hook->prog) : -ENOMEM;

	if (grown)
		deployment->at = grown;
	if (err) {
		free(section);
		return err;
	}
	grown[deployment->nr++] = (struct elfmap_deployed){.hook = *hook, .section = section, .before = hook->prog};
	return 0;
}

/* Has OBJECT a map of this name, as far as the kernel keeps it? Maps of global data are called after their section. */
static bool has_map(const struct elfmap_object *object, __u32 id)
{
	struct bpf_map_info info;

	if (!elfmap_map__describe(id, &info) || !*info.name || strchr(info.name, '.'))
		return true;
	for (size_t i = 0; i < object->nr_maps; i++)
		if (!strncmp(object->maps[i].name, info.name, sizeof(info.name) - 1))
			return true;
	for (size_t i = 0; i < object->nr_btf_maps; i++)
		if (!strncmp(object->btf_maps[i], info.name, sizeof(info.name) - 1))
			return true;
	return false;
}

/* The section of the function that PROG was, by its name, those of its maps, and the noted file, if there is a note or
 * it MUST_BE_NOTED; NULL: it is another object's, or that is not certain. free() it. */
static char *section_of_function(const struct elfmap_object *object, const char *name, __u32 prog, bool must_be_noted)
{
	struct elfmap_program program = {};
	int fd = object ? bpf_prog_get_fd_by_id(prog) : -1;
	const char *section = NULL;
	char noted[PATH_MAX];
	bool is_certain = fd >= 0 && !elfmap_program__describe(fd, &program) && *program.name;

	if (is_certain)
		is_certain = elfmap_note__read(fd, noted) ? !must_be_noted : !strcmp(elfmap_path__name(noted), name);
	for (__u32 i = 0; is_certain && i < program.nr_maps; i++)
		is_certain = has_map(object, program.maps[i]);
	for (size_t i = 0; is_certain && i < object->nr_progs; i++) {
		if (strncmp(object->progs[i].name, program.name, sizeof(program.name) - 1) != 0)
			continue;
		is_certain = !section;
		section = object->progs[i].section;
	}
	if (fd >= 0)
		close(fd);
	free(program.maps);
	return is_certain && section ? strdup(section) : NULL;
}

static void read_object(const char *file, struct elfmap_object **ret_object, void **ret_bytes)
{
	size_t size;

	*ret_object = NULL;
	*ret_bytes = NULL;
	if (!elfmap_file__read(file, ret_bytes, &size, NULL) && elfmap_object__read(*ret_bytes, size, ret_object, NULL))
		*ret_object = NULL;
}

static int find_kind(const struct elfmap_hook_kind *kind, const char *file, const char *tc_dir,
		     struct elfmap_deployment *deployment, struct elfmap_msg *msg)
{
	const char *name = elfmap_path__name(file);
	struct elfmap_object *object = NULL;
	void *bytes = NULL;
	struct elfmap_hooks hooks;
	int err = elfmap_hooks__list(-1, kind, tc_dir, &hooks, msg);

	for (size_t i = 0; !err && i < hooks.nr; i++) {
		struct elfmap_hook *hook = &hooks.at[i];
		bool is_nameless = kind->has & ELFMAP_HOOK_SINGLE && !*hook->name;
		bool tells_file = !is_nameless && !is_of_pin(hook->name);
		char *section;

		if (!tells_file && !bytes)
			read_object(file, &object, &bytes);
		section = tells_file ? section_of(name, hook->name)
				     : section_of_function(object, name, hook->prog, !is_nameless);
		if (!section)
			continue;
		if (is_nameless)
			snprintf(hook->name, sizeof(hook->name), "%s:[%s]", name, section);
		err = add_hook(deployment, &hooks.at[i], section);
		if (err)
			elfmap_msg__set(msg, err, "program %u: %s", hooks.at[i].prog, strerror(-err));
	}
	free(hooks.at);
	elfmap_object__free(object);
	free(bytes);
	return err;
}

int elfmap_deployment__find(const char *file, const char *tc_dir, struct elfmap_deployment *ret_deployment,
			    struct elfmap_msg *msg)
{
	struct elfmap_deployment deployment = {};
	int err = 0;

	for (const struct elfmap_hook_kind *const *at = elfmap_hook_kinds; *at && !err; at++)
		if ((*at)->list && (*at)->exchange)
			err = find_kind(*at, file, tc_dir, &deployment, msg);
	if (err)
		elfmap_deployment__free(&deployment);
	else
		*ret_deployment = deployment;
	return err;
}

void elfmap_deployment__free(struct elfmap_deployment *deployment)
{
	for (size_t i = 0; i < deployment->nr; i++)
		free(deployment->at[i].section);
	free(deployment->at);
	free(deployment->others);
	elfmap_holder__free(&deployment->holder);
	*deployment = (struct elfmap_deployment){};
}

/* ---- which of them ---------------------------------------------------------------------------------------- */

/* Drops the hooks for which KEEP is false. */
static int prune(struct elfmap_deployment *deployment, const bool *keep)
{
	size_t kept = 0, room = deployment->nr_others + deployment->nr;
	__u32 *grown = realloc(deployment->others, (room + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	deployment->others = grown;
	for (size_t i = 0; i < deployment->nr; i++) {
		struct elfmap_deployed *at = &deployment->at[i];

		if (keep[i]) {
			deployment->at[kept++] = *at;
			continue;
		}
		grown[deployment->nr_others++] = at->hook.prog;
		free(at->section);
	}
	deployment->nr = kept;
	return 0;
}

#define LABEL_SIZE 64

static int mark_own(const struct elfmap_deployment *deployment, const char *file, const char *tc_dir, bool *keep,
		    struct elfmap_msg *msg)
{
	struct elfmap_candidate *candidates = calloc(deployment->nr + 1, sizeof(*candidates));
	char(*labels)[LABEL_SIZE] = calloc(deployment->nr + 1, LABEL_SIZE);
	int err;

	if (!candidates || !labels) {
		free(candidates);
		free(labels);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	for (size_t i = 0; i < deployment->nr; i++) {
		elfmap_hook__write(&deployment->at[i].hook, false, labels[i], LABEL_SIZE);
		candidates[i].prog = bpf_prog_get_fd_by_id(deployment->at[i].before);
		candidates[i].label = labels[i];
	}
	err = elfmap_identity__choose(candidates, deployment->nr, file, tc_dir, msg);
	for (size_t i = 0; !err && i < deployment->nr; i++)
		keep[i] = candidates[i].is_chosen;
	for (size_t i = 0; i < deployment->nr; i++)
		if (candidates[i].prog >= 0)
			close(candidates[i].prog);
	elfmap_candidates__free(candidates, deployment->nr);
	free(labels);
	return err;
}

static int finish_choice(struct elfmap_deployment *deployment, bool *keep, int err, struct elfmap_msg *msg)
{
	if (!err && prune(deployment, keep))
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	free(keep);
	return err;
}

static bool *make_marks(const struct elfmap_deployment *deployment, struct elfmap_msg *msg)
{
	bool *keep = calloc(deployment->nr + 1, sizeof(*keep));

	if (!keep)
		elfmap_msg__set(msg, -ENOMEM, "no memory");
	return keep;
}

int elfmap_deployment__choose(struct elfmap_deployment *deployment, const char *file, const char *tc_dir,
			      struct elfmap_msg *msg)
{
	bool *keep = make_marks(deployment, msg);
	int err = keep ? mark_own(deployment, file, tc_dir, keep, msg) : -ENOMEM;

	return finish_choice(deployment, keep, err, msg);
}

static bool is_one_of(const struct elfmap_hook *hook, const struct elfmap_hook *hooks, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (hooks[i].kind == hook->kind && hooks[i].ifindex == hook->ifindex &&
		    hooks[i].direction == hook->direction && hooks[i].parent == hook->parent &&
		    hooks[i].chain == hook->chain && hooks[i].prio == hook->prio && hooks[i].handle == hook->handle &&
		    hooks[i].mode == hook->mode &&
		    (hook->kind->has & ELFMAP_HOOK_SINGLE || !strcmp(hooks[i].name, hook->name)))
			return true;
	return false;
}

int elfmap_deployment__keep_hooks(struct elfmap_deployment *deployment, const struct elfmap_hook *hooks, size_t nr,
				  struct elfmap_msg *msg)
{
	bool *keep = make_marks(deployment, msg);
	int err = keep ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < deployment->nr; i++)
		keep[i] = is_one_of(&deployment->at[i].hook, hooks, nr);
	return finish_choice(deployment, keep, err, msg);
}

static bool is_at(const struct elfmap_hook *hook, const struct elfmap_place *place)
{
	bool is_xdp = hook->kind->prog_type == BPF_PROG_TYPE_XDP;

	return !strcmp(hook->dev, place->dev) && (!place->is_xdp || is_xdp) &&
	       (!place->direction || place->direction == hook->direction);
}

int elfmap_deployment__keep_places(struct elfmap_deployment *deployment, const struct elfmap_place *places, size_t nr,
				   struct elfmap_msg *msg)
{
	bool *keep = make_marks(deployment, msg);
	int err = keep ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nr; i++) {
		bool any = false;

		for (size_t j = 0; j < deployment->nr; j++)
			if (is_at(&deployment->at[j].hook, &places[i]))
				any = keep[j] = true;
		if (!any)
			err = elfmap_msg__set(msg, -ENOENT, "it is not attached at dev %s%s", places[i].dev,
					      places[i].is_xdp			      ? " xdp"
					      : places[i].direction == ELFMAP_INGRESS ? " ingress"
					      : places[i].direction == ELFMAP_EGRESS  ? " egress"
										      : "");
	}
	return finish_choice(deployment, keep, err, msg);
}

int elfmap_deployment__keep_running(struct elfmap_deployment *deployment, const struct elfmap_version *version)
{
	bool *keep = calloc(deployment->nr + 1, sizeof(*keep)), any = false;
	int err = keep ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < deployment->nr; i++)
		any |= keep[i] = elfmap_version__has_prog(version, deployment->at[i].hook.prog);
	err = err ?: any ? prune(deployment, keep) : 0;
	free(keep);
	return err;
}

/* ---- the directory of its versions -------------------------------------------------------------------------- */

#define MAX_DEPLOYMENTS 256 /* of one name */

/* Does a program with one of IDS belong to a version in DIR? */
static bool is_version_of(const char *dir, const char *name, const __u32 *ids, size_t nr)
{
	struct elfmap_version version = {};
	char path[PATH_MAX + 16];
	bool found = false;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (elfmap_version__read(path, &version, NULL))
		return false;
	for (size_t i = 0; !found && i < nr; i++)
		found = elfmap_version__has_prog(&version, ids[i]);
	elfmap_version__free(&version);
	return found;
}

static bool has_version_of(const char *dir, const __u32 *ids, size_t nr)
{
	return is_version_of(dir, "current", ids, nr) || is_version_of(dir, "next", ids, nr) ||
	       is_version_of(dir, "old", ids, nr) || is_version_of(dir, "previous", ids, nr);
}

bool elfmap_deployment__name_dir(const char *escaped, unsigned int nth, char ret_name[NAME_MAX + 1])
{
	snprintf(ret_name, NAME_MAX + 1, nth > 1 ? "%.240s~%u" : "%s", escaped, nth);
	return nth <= MAX_DEPLOYMENTS;
}

static bool find_dir(const struct elfmap_deployment *deployment, const char *tc_dir, const char *escaped,
		     unsigned long netns, const __u32 *ids, char ret_name[NAME_MAX + 1])
{
	char unused[NAME_MAX + 1] = "";

	char name[NAME_MAX + 1], dir[PATH_MAX];

	for (unsigned int nth = 1; elfmap_deployment__name_dir(escaped, nth, name); nth++) {
		if (snprintf(dir, sizeof(dir), "%s/generations/%s/%lu", tc_dir, name, netns) >= (int)sizeof(dir))
			return false;
		if (access(dir, F_OK)) {
			if (!*unused)
				strcpy(unused, name);
			continue;
		}
		if (has_version_of(dir, ids, deployment->nr)) {
			strcpy(ret_name, name);
			return true;
		}
		/* One that no hook of this name runs is left over. */
		if (!*unused && !has_version_of(dir, deployment->others, deployment->nr_others))
			strcpy(unused, name);
	}
	strcpy(ret_name, unused);
	return *unused;
}

void elfmap_deployment__find_dir(const struct elfmap_deployment *deployment, const char *tc_dir, const char *object,
				 unsigned long netns, char ret_name[NAME_MAX + 1])
{
	char escaped[NAME_MAX + 1], second[PATH_MAX];
	__u32 *ids;

	if (elfmap_pin_name__escape(object, escaped, sizeof(escaped)))
		*escaped = '\0';
	snprintf(second, sizeof(second), "%s/generations/%.240s~2", tc_dir, escaped);
	strcpy(ret_name, escaped);
	if (!*escaped || (!deployment->nr_others && access(second, F_OK)))
		return; /* the usual case */
	ids = calloc(deployment->nr + 1, sizeof(*ids));
	for (size_t i = 0; ids && i < deployment->nr; i++)
		ids[i] = deployment->at[i].hook.prog;
	if (!ids || !find_dir(deployment, tc_dir, escaped, netns, ids, ret_name))
		strcpy(ret_name, escaped);
	free(ids);
}

void elfmap_deployment__warn_of_routes(const char *file, void (*warn)(const char *file, const char *text))
{
	struct elfmap_routes routes = {};
	char text[512];

	if (!warn || elfmap_routes__list(&routes, NULL))
		return;
	for (size_t i = 0; i < routes.nr; i++) {
		char *section = section_of(elfmap_path__name(file), routes.at[i].name);

		if (!section)
			continue;
		snprintf(text, sizeof(text),
			 "warning: route %s %s: program unknown, so it stays; 'elfmap ip route replace' replaces it",
			 routes.at[i].words, routes.at[i].name);
		warn(file, text);
		free(section);
	}
	free(routes.at);
}

static int exchange(struct elfmap_deployed *deployed, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err = elfmap_hook__exchange(&deployed->hook, expected, prog, msg);

	if (!err)
		deployed->hook.prog = elfmap_program__id(prog);
	return err;
}

void elfmap_deployed__name(const struct elfmap_deployed *deployed, char ret_name[ELFMAP_DEPLOYED_NAME])
{
	const struct elfmap_hook *hook = &deployed->hook;

	snprintf(ret_name, ELFMAP_DEPLOYED_NAME, "%s:%d:%d:%x:%u:%u:%x", hook->kind->name, hook->ifindex,
		 (int)hook->direction, hook->parent, hook->chain, hook->prio, hook->handle);
}

int elfmap_deployed__find_program(const struct elfmap_deployed *deployed, const struct elfmap_version *version)
{
	char name[ELFMAP_DEPLOYED_NAME];
	int prog;

	elfmap_deployed__name(deployed, name);
	prog = elfmap_version__find_hook(version, name);
	return prog >= 0 ? prog : elfmap_version__find(version, deployed->section);
}

int elfmap_deployment__switch(struct elfmap_deployment *deployment, const struct elfmap_version *version,
			      struct elfmap_msg *msg)
{
	size_t tried = 0;
	int err = 0;

	for (size_t i = 0; i < deployment->nr; i++)
		if (elfmap_deployed__find_program(&deployment->at[i], version) < 0)
			return elfmap_msg__set(msg, -ENOENT,
					       "section '%s' is attached, but the other version has no such section",
					       deployment->at[i].section);
	for (; !err && tried < deployment->nr; tried++) {
		struct elfmap_deployed *at = &deployment->at[tried];

		err = exchange(at, at->hook.prog, elfmap_deployed__find_program(at, version), msg);
	}
	while (err && tried--) { /* also the failed one: only the kernel's reply may have been lost */
		struct elfmap_deployed *at = &deployment->at[tried];
		int before = bpf_prog_get_fd_by_id(at->before);

		if (before < 0)
			continue;
		exchange(at, elfmap_program__id(elfmap_deployed__find_program(at, version)), before, NULL);
		close(before);
	}
	return err;
}

/* ---- pins of `elfmap load` ------------------------------------------------------------------------------- */

/* The hook that has run the program of PIN before and runs another one now. NULL: none. */
static const struct elfmap_deployed *find_changed(const struct elfmap_deployment *deployment,
						  const struct elfmap_pinned *pin)
{
	for (size_t i = 0; i < deployment->nr; i++)
		if (deployment->at[i].before == pin->id && deployment->at[i].hook.prog != pin->id)
			return &deployment->at[i];
	return NULL;
}

static int replace_pin(const char *path, __u32 id, struct elfmap_msg *msg)
{
	int prog = bpf_prog_get_fd_by_id(id), err;

	if (prog < 0)
		return elfmap_msg__set(msg, prog, "program %u: %s", id, strerror(-prog));
	err = elfmap_pin__replace(prog, path, msg);
	close(prog);
	return err;
}

void elfmap_deployment__replace_pins(const struct elfmap_deployment *deployment, const char *tc_dir,
				     void (*warn)(const char *path, const char *text))
{
	struct elfmap_pins pins = {};
	struct elfmap_msg msg = {};
	char dir[PATH_MAX], text[sizeof(msg.text) + 64];

	snprintf(dir, sizeof(dir), "%s/progs", tc_dir);
	if (elfmap_pins__read(dir, &pins))
		return;
	for (size_t i = 0; i < pins.nr; i++) {
		const struct elfmap_pinned *pin = &pins.pins[i];
		const struct elfmap_deployed *hook =
			pin->kind == ELFMAP_PIN_PROG && !pin->is_link ? find_changed(deployment, pin) : NULL;

		if (!hook || !replace_pin(pin->path, hook->hook.prog, &msg) || !warn)
			continue;
		snprintf(text, sizeof(text), "warning: still pins the program before the exchange: %s", msg.text);
		warn(pin->path, text);
	}
	elfmap_pins__free(&pins);
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static bool is_pinned(const struct elfmap_pins *pins, __u32 map)
{
	for (size_t i = 0; i < pins->nr; i++)
		if (pins->pins[i].kind == ELFMAP_PIN_MAP && pins->pins[i].id == map)
			return true;
	return false;
}

static int check_tables(const struct elfmap_running *running, const struct elfmap_pins *pins, struct elfmap_msg *msg)
{
	for (size_t i = 0; i < running->nr_maps; i++) {
		const struct bpf_map_info *info = &running->maps[i].info;

		if (elfmap_map__is_prog_array(info->type) && !running->maps[i].is_held && !is_pinned(pins, info->id))
			return elfmap_msg__set(msg, -ENOENT,
					       "its PROG_ARRAY '%s' has lost its pin, so its slots are empty; "
					       "run 'elfmap upgrade' with the older object",
					       info->name);
	}
	return 0;
}

int elfmap_version__check_tables(const struct elfmap_version *version, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_running running = {};
	struct elfmap_pins pins = {};
	int err = elfmap_running__add_version(&running, version);

	err = err ?: elfmap_pins__read(tc_dir, &pins);
	err = err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : check_tables(&running, &pins, msg);
	elfmap_running__free(&running);
	elfmap_pins__free(&pins);
	return err;
}
