/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Internal to the preload: the object that tc is loading, its pins, and their removal on failure. */
#ifndef ELFMAP_PRELOAD_H
#define ELFMAP_PRELOAD_H

#include <bpf/libbpf.h>
#include <sys/stat.h>

#include "base/msg.h"
#include "load/pair.h"

/* The file that tc is loading. tc passes it twice, as descriptor and as path; it is read once. */
struct source {
	struct stat file; /* identifies the file */
	void *bytes;
	size_t size;
	struct elfmap_object *obj;
	struct elfmap_pair pair; /* with libbpf's object, once that is open */
};

extern bool preload__active;   /* the program itself is linked with libbpf >= 1 */
extern bool preload__may_load; /* its command line may load an object */

/* May the command line select this section? */
bool preload__may_want(const char *section);

/* The section in the command line; NULL: not given, or a batch. */
const char *preload__section(void);

/* The program type that the command line loads; BPF_PROG_TYPE_UNSPEC: unknown. */
__u32 preload__prog_type(void);

/* The function NAME of the library that the preload hides. */
void *preload__next(const char *name);

/* Prints "elfmap: OBJECT: WHAT" on stderr. */
void preload__complain(const char *object, const char *what);

/* PATH for messages: with the path of the bpffs in place of /proc/self/fd/N. Returns PATH or SHOWN. */
const char *preload__shown_path(const char *path, char *shown, size_t size);

/* The path that leads to the pin at PATH below /sys/fs/bpf if a mount namespace hides that one. Returns PATH or REAL.
 */
const char *preload__pin_path(const char *path, char *real, size_t size);

/* Prepares the pins of SOURCE, whose transcoded object is opened and not yet loaded: libbpf reuses a pinned map that
 * matches, and pins the others when it loads them. PIN_ROOT is what tc passed to libbpf, ".../tc/globals". A negative
 * errno after complaining. */
int pins__prepare(const struct source *source, const char *path, const char *pin_root);

/* Notes that this process is about to make PATH, a pin or a directory for pins below ROOT, for the object noted last.
 * If the process exits with a failure, the pins of each object that no program uses are removed. */
void undo__note_object(const char *root);
void undo__note_pin(const char *path);
void undo__note_directory(const char *path);

#endif
