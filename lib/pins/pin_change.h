/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes to pins that others may be using or changing at the same time. At any time a name
 * is a pin of the old map or of the new one.
 */
#ifndef ELFMAP_PIN_CHANGE_H
#define ELFMAP_PIN_CHANGE_H

#include <sys/types.h>

#include "elfmap.h"

/* Waits for other commands that load objects or change pins where PATH is, and keeps them out until the caller
 * close()s *RET_LOCK. -EBUSY after some seconds. */
int elfmap_pin__lock(const char *path, int *ret_lock, struct elfmap_msg *msg);

/* Pins map FD at PATH, making the directories that are missing (mode 0700, as tc does); on failure they
 * are removed again. -EEXIST: PATH exists. */
int elfmap_pin__add(int fd, const char *path, struct elfmap_msg *msg);

/* Sets owner and mode of the pin at PATH, which is not followed if it is a link. -ELOOP: it is no pin any more. */
int elfmap_pin__set_access(const char *path, uid_t uid, gid_t gid, mode_t mode, struct elfmap_msg *msg);

/* Replaces the existing pin at PATH by one of map FD, atomically; owner and mode stay. Requires the lock. */
int elfmap_pin__replace(int fd, const char *path, struct elfmap_msg *msg);

/* Removes the pin at PATH, and so many LEVELS of directories above it as are empty then. -errno */
int elfmap_pin__remove(const char *path, int levels);
/* Removes DIR with everything in it, if it is there. */
void elfmap_pin__remove_directory(const char *dir);

/* Any text as the name of a pin: bpffs takes no dots, no file system takes slashes, and a name with a '~' is that of
 * a pin that is being replaced. Writes TEXT to NAME (SIZE bytes), with %2E and the like for '.', '/', '%', '~' and
 * spaces. -ENAMETOOLONG */
int elfmap_pin_name__escape(const char *text, char *name, size_t size);
/* In place; what was not written by escape() stays as it is. */
void elfmap_pin_name__unescape(char *name);

#endif
