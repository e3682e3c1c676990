// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The type of a key or a value, in the words that `types` takes: u32, ipv4, struct { be16 port ... }. */
#include "map_verbs.h"

static void print_number(FILE *to, const struct elfmap_type *type, const char *prefix)
{
	fprintf(to, "%s%u", prefix, type->bits);
}

void map_print_type(FILE *to, const struct elfmap_type *type)
{
	switch (type->notation) {
	case ELFMAP_HEX:
		fprintf(to, "bytes[%zu]", type->size);
		break;
	case ELFMAP_INTEGER:
		print_number(to, type, type->is_signed ? "s" : "u");
		break;
	case ELFMAP_BIG_ENDIAN:
		print_number(to, type, "be");
		break;
	case ELFMAP_BOOL:
		fputs("bool", to);
		break;
	case ELFMAP_ENUM:
		fputs("enum", to);
		break;
	case ELFMAP_STRING:
		fprintf(to, "string[%zu]", type->size);
		break;
	case ELFMAP_IPV4:
		fputs("ipv4", to);
		break;
	case ELFMAP_IPV6:
		fputs("ipv6", to);
		break;
	case ELFMAP_IP:
		fputs("ip", to);
		break;
	case ELFMAP_MAC:
		fputs("mac", to);
		break;
	case ELFMAP_IFINDEX:
		fputs("ifindex", to);
		break;
	case ELFMAP_EARLIEST:
		fputs("earliest_ns", to);
		break;
	case ELFMAP_LATEST:
		fputs("latest_ns", to);
		break;
	case ELFMAP_PREFIX:
		fputs("prefix", to);
		break;
	case ELFMAP_CGROUP:
	case ELFMAP_CGROUP_ID:
		fputs("cgroup", to);
		break;
	case ELFMAP_PROG:
	case ELFMAP_PROG_ID:
		fputs("prog", to);
		break;
	case ELFMAP_MAP:
	case ELFMAP_MAP_ID:
		fputs("map", to);
		break;
	case ELFMAP_HANDLE:
		fputs("fd", to);
		break;
	case ELFMAP_STRUCT:
		fputs("struct { ", to);
		for (size_t i = 0; i < type->nr_members; i++) {
			map_print_type(to, &type->members[i]);
			fprintf(to, " %s ", type->members[i].name);
		}
		putc('}', to);
		break;
	case ELFMAP_ARRAY:
		if (type->nr_members)
			map_print_type(to, type->members);
		fprintf(to, "[%zu]", type->count);
		break;
	}
}
