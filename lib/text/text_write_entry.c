// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From entries to lines: the key, a blank, the value or the values of all CPUs. */
#include "text/text_buffer.h"

static struct elfmap_value copy_of(const struct elfmap_format *format, const void *value, size_t cpu)
{
	return (struct elfmap_value){.bytes = (const char *)value + cpu * format->stride, .copies = 1};
}

/* In words if those say all of the bytes. */
static void add_exact(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      struct elfmap_resolver *resolver)
{
	if (type->shown && elfmap_type__hides(type, value->bytes)) {
		const struct elfmap_type bytes = {.notation = ELFMAP_HEX, .size = type->size};

		elfmap_text__write(to, &bytes, value, resolver);
	} else {
		elfmap_text__write(to, type, value, resolver);
	}
}

static void add_values(struct elfmap_buffer *to, const struct elfmap_format *format, const void *value,
		       struct elfmap_resolver *resolver)
{
	if (format->per_cpu)
		ADD_WORD(to, "[ ");
	for (size_t cpu = 0; cpu < format->copies; cpu++) {
		struct elfmap_value copy = copy_of(format, value, cpu);

		add_exact(to, format->value, &copy, resolver);
		if (format->per_cpu)
			buffer__add_char(to, ' ');
	}
	if (format->per_cpu)
		buffer__add_char(to, ']');
}

/* What the bytes would have been in words, for the eye. */
static void add_comment(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			const void *value, bool sum, struct elfmap_resolver *resolver)
{
	const struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	bool begun = false;

	if (format->key && elfmap_type__hides(format->key, key)) {
		ADD_WORD(to, " # ");
		elfmap_text__write(to, format->key, &whole_key, resolver);
		begun = true;
	}
	for (size_t cpu = 0; cpu < format->copies && !sum; cpu++) {
		struct elfmap_value copy = copy_of(format, value, cpu);

		if (!elfmap_type__hides(format->value, copy.bytes))
			continue;
		buffer__add(to, begun ? " " : " # ", begun ? 1 : 3);
		elfmap_text__write(to, format->value, &copy, resolver);
		begun = true;
	}
}

void elfmap_text__write_entry(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			      const void *value, bool sum, struct elfmap_resolver *resolver)
{
	const struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};

	if (format->key) {
		add_exact(to, format->key, &whole_key, resolver);
		buffer__add_char(to, ' ');
	}
	if (sum)
		elfmap_text__write(to, format->value, &all, resolver);
	else
		add_values(to, format, value, resolver);
	if ((format->key && format->key->shown) || format->value->shown)
		add_comment(to, format, key, value, sum, resolver);
	buffer__add_char(to, '\n');
}
