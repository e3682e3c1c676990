/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the files of the preload: the object that tc is loading, its pins, and taking them back. */
#ifndef ELFMAP_PRELOAD_H
#define ELFMAP_PRELOAD_H

#include <bpf/libbpf.h>
#include <sys/stat.h>

#include "base/msg.h"
#include "load/pair.h"

/* The file that tc is loading. It comes to us twice, by descriptor and by path, and is read once. */
struct source {
	struct stat file; /* what tells whether it is still the same */
	void *bytes;
	size_t size;
	struct elfmap_object *obj;
	struct elfmap_pair pair; /* with what libbpf made of it; once that is open */
};

extern bool preload__active;   /* this is a program that calls libbpf >= 1 itself */
extern bool preload__may_load; /* its words may load an object */

/* May the command, for all its words say, be about this section of its object? */
bool preload__may_want(const char *section);

/* The section that the command names; NULL: none, or several in a batch. */
const char *preload__section(void);

/* The type of program that the command loads, BPF_PROG_TYPE_UNSPEC when its words don't tell. */
__u32 preload__prog_type(void);

/* The function NAME of the library that stands behind us. */
void *preload__next(const char *name);

/* Prints "elfmap: OBJECT: WHAT" on stderr: the line that stands before tc's own. */
void preload__complain(const char *object, const char *what);

/* PATH in the words of the user: the descriptor that a bpffs was handed over by means nothing to
 * anybody. Returns PATH itself or SHOWN. */
const char *preload__shown_path(const char *path, char *shown, size_t size);

/* Prepares the pins of SOURCE's maps, whose transcoded object is opened and not loaded: a pin that is
 * there and equal is handed to libbpf, one that is not there is made when it loads. PIN_ROOT is what
 * tc gave libbpf, ".../tc/globals". A negative errno after complaining. */
int pins__prepare(const struct source *source, const char *path, const char *pin_root);

/* Remembers that this process is about to make PATH (a pin, or a directory for pins) for the object
 * noted last, below ROOT. Pins that no program uses when the process exits with a failure are taken
 * away again, whole objects at a time. */
void undo__note_object(const char *root);
void undo__note_pin(const char *path);
void undo__note_directory(const char *path);

#endif
