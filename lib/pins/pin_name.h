/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Any text as the name of a pin, and back: bpffs takes no dots, no file system takes slashes, and what has a '~' in its
 * name is under way. */
#ifndef ELFMAP_PIN_NAME_H
#define ELFMAP_PIN_NAME_H

#include <stddef.h>

/* Writes TEXT to NAME (SIZE bytes), with %2E and the like for '.', '/', '%', '~' and spaces. -ENAMETOOLONG */
int elfmap_pin_name__escape(const char *text, char *name, size_t size);
/* In place; what was not written by escape() stays as it is. */
void elfmap_pin_name__unescape(char *name);

#endif
