// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode: the same object with BTF-defined maps, made in stages that each have a file (internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

/* struct elfmap_transcode_opts as the first version of the library had it: up to its last member. */
#define OPTS_SIZE_0_1 (offsetof(struct elfmap_transcode_opts, prog_section) + sizeof(const char *))

/* libbpf insists on four bytes in `version`, which nobody has read since Linux 5.0. */
static int set_version_aside(struct transcode *t)
{
	for (size_t i = 1; i < t->elf->nr_sections; i++)
		if (!strcmp(elfmap_elf__section_name(t->elf, i), "version") &&
		    t->image.sections[i].header.sh_size != sizeof(__u32))
			return image__rename(&t->image, i, ".legacy.version");
	return 0;
}

static int open_copy(struct transcode *t)
{
	t->added_symbol = calloc(t->obj->nr_progs ? t->obj->nr_progs : 1, sizeof(*t->added_symbol));
	return t->added_symbol ? image__open(&t->image, t->elf) : -ENOMEM;
}

/* The caller's options in the form of this library; the caller may have been built with another header. */
static int take_opts(const struct elfmap_transcode_opts *given, struct elfmap_transcode_opts *ret_opts,
		     struct elfmap_msg *msg)
{
	size_t size = given ? given->sz : sizeof(*ret_opts);
	struct elfmap_transcode_opts opts = {};

	if (size < OPTS_SIZE_0_1)
		return elfmap_msg__set(msg, -EINVAL,
				       "transcode options: their size is %zu, which no version of elfmap.h has", size);
	for (size_t i = sizeof(opts); i < size; i++)
		if (((const char *)given)[i])
			return elfmap_msg__set(msg, -E2BIG, "transcode options: this library lacks one of them");
	if (given)
		memcpy(&opts, given, size < sizeof(opts) ? size : sizeof(opts));
	*ret_opts = opts;
	return 0;
}

int elfmap_object__transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts,
			     void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	struct elfmap_transcode_opts own;
	struct transcode t = {.obj = obj, .elf = obj->elf, .opts = &own, .msg = msg};
	int err = take_opts(opts, &own, msg);

	if (err)
		return err;
	if (obj->nr_problems)
		return elfmap_msg__set(msg, -EINVAL, "%s", obj->problems[0]);
	if (!obj->needs_help)
		return elfmap_msg__set(msg, -EINVAL, "no section maps");
	elfmap_msg__set(msg, 0, "%s", "");
	err = open_copy(&t);
	err = err ?: transcode__maps(&t);
	err = err ?: transcode__btf(&t);
	err = err ?: transcode__relocations(&t);
	err = err ?: transcode__calls(&t);
	err = err ?: transcode__symbols(&t);
	err = err ?: set_version_aside(&t);
	err = err ?: transcode__names(&t);
	err = err ?: image__write(&t.image, ret_bytes, ret_size);
	if (err && msg && !msg->text[0])
		elfmap_msg__set(msg, err, "cannot be transcoded: %s",
				err == -E2BIG ? "too many sections" : strerror(-err));
	image__close(&t.image);
	btf__free(t.btf);
	free(t.added_symbol);
	free(t.copies);
	return err;
}
