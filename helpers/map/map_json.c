// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A key or a value as a json-c object, for small outputs; what is long is written by lib/text/text_json.c alone. */
#include "helpers/map/map_verbs.h"
#include "text/text.h"

json_object *map_json(const struct elfmap_type *type, const struct elfmap_value *value)
{
	struct elfmap_buffer text = {};
	json_object *object;

	elfmap_json__write(&text, type, value, -1);
	elfmap_buffer__add(&text, "", 1);
	object = text.error ? NULL : json_tokener_parse(text.bytes);
	elfmap_buffer__free(&text);
	return object;
}
