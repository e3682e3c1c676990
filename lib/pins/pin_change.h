/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes to pins that others may be using or changing at the same time. Whatever happens, a name
 * means the old map or the new one, never nothing and never half of either.
 */
#ifndef ELFMAP_PIN_CHANGE_H
#define ELFMAP_PIN_CHANGE_H

#include "elfmap.h"

/* Waits until no other command that loads objects or changes pins is at work where PATH is. close()
 * *RET_LOCK when done. -EBUSY after some seconds. */
int elfmap_pin__lock(const char *path, int *ret_lock, struct elfmap_msg *msg);

/* Pins map FD at PATH, making the directories that are missing (mode 0700, as tc does); on failure none
 * of them stays. -EEXIST: there is something already. */
int elfmap_pin__add(int fd, const char *path, struct elfmap_msg *msg);

/* Makes the pin at PATH, which exists, mean map FD, in one step; owner and mode stay. To be called
 * with the lock. */
int elfmap_pin__replace(int fd, const char *path, struct elfmap_msg *msg);

/* Removes the pin at PATH, and so many LEVELS of directories above it as are empty then. -errno */
int elfmap_pin__remove(const char *path, int levels);
/* Removes DIR with everything in it, if it is there. */
void elfmap_pin__remove_directory(const char *dir);

#endif
