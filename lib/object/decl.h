/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * decl: the maps of a legacy object as C source for libbpf >= 1.0, for authors who want to leave the
 * legacy way. Compiled, it gives the maps that transcode makes of the same object.
 */
#ifndef ELFMAP_DECL_H
#define ELFMAP_DECL_H

#include <stdio.h>

#include "object/object.h"

/* Same object, same text. -EINVAL (the message has the name or type) for an object that has
 * problems, has no maps, or has what C cannot say. free() the text. */
int elfmap_object__decl(const struct elfmap_object *obj, char **ret_text, struct elfmap_msg *msg);

/* Can NAME be declared in C: an identifier, and no keyword? */
bool elfmap_is_c_name(const char *name);

/* ---- decl_types.c: C types out of the object's BTF ---------------------------------------------- */

struct decl_types;

/* TO gets all that is printed. */
int decl_types__open(const struct elfmap_object *obj, FILE *to, struct elfmap_msg *msg, struct decl_types **ret_types);
void decl_types__close(struct decl_types *types);

/* Prints what type ID needs to be named, as far as neither <linux/bpf.h> nor an earlier call has it.
 * -EINVAL: the type is not sound, or C cannot say it. The rest is for types that this has accepted. */
int decl_types__define(struct decl_types *types, __u32 id);
/* Prints a typedef of that type. */
int decl_types__define_as(struct decl_types *types, __u32 id, const char *name);
/* Prints "struct tag name", "__u8 name[4]", "int name(void *ctx)"; just the type when NAME is "". */
void decl_types__print(struct decl_types *types, __u32 id, const char *name);

/* Has it members or elements that could be laid out otherwise, or is it an enum? */
bool decl_types__has_layout(const struct decl_types *types, __u32 id);
/* Is it a struct, union or enum without a name, or made of one? */
bool decl_types__is_nameless(const struct decl_types *types, __u32 id);
/* Is there anything of this name in the object's BTF? */
bool decl_types__has_name(const struct decl_types *types, const char *name);
/* The prototype of function NAME, or 0. */
__u32 decl_types__find_prototype(const struct decl_types *types, const char *name);

#endif
