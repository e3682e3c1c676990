/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The value in the map of parse_probe.c. */
#ifndef PARSE_PROBE_H
#define PARSE_PROBE_H

#include "../../tc-progs/lib/packet.h"

struct probe {
	__u64 verdict; /* enum packet_verdict */
	struct packet packet;
};

_Static_assert(sizeof(struct probe) == 72, "the verdict and the packet, without padding");
_Static_assert(__builtin_offsetof(struct probe, packet) == 8, "the packet comes second");

#endif
