/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Building trees of types, for those who do: codec.c from BTF, type_words.c from words. */
#ifndef ELFMAP_CODEC_TREE_H
#define ELFMAP_CODEC_TREE_H

#include "text/codec.h"

struct notation {
	const char *name;
	size_t size;
	enum elfmap_notation notation;
};

/* What a name means for SIZE bytes; 0: whatever their number. NULL: nothing. */
const struct notation *notation__find(const char *name, size_t size);

bool type__is_number(const struct elfmap_type *type);
void type__set_notation(struct elfmap_type *node, enum elfmap_notation notation, size_t size);
/* Its address holds until the next member is added. NULL: no memory. */
struct elfmap_type *type__new_member(struct elfmap_type *parent, const char *name, size_t offset);
/* Can it stand as a name in text? Letters, digits, `_` and `.`, and no digit first. */
bool type__is_name(const char *name, size_t length);
int type__set_name(struct elfmap_type *member, const char *name, size_t length);
/* When the last member of PARENT has its place and its type. */
void type__note_member(struct elfmap_type *parent);
/* Elsewhere than in a key of an LPM_TRIE it takes names to know a prefix. */
void type__recognise_prefix(struct elfmap_type *type);
/* Frees what hangs on TYPE, which stays. */
void type__clear(struct elfmap_type *type);

/* What C makes of it: a multiple of which its address is. */
size_t type__alignment(const struct elfmap_type *type);
size_t type__round_up(size_t at, size_t alignment);
/* How much of AT is one word of a type in words. */
size_t type__word_length(const char *at);

#endif
