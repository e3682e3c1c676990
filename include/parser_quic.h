/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the map of tc-progs/parser_quic.c holds: UDP packets on the wire per kind of QUIC packet, one value, per
 * CPU. */
#ifndef PARSER_QUIC_H
#define PARSER_QUIC_H

#include "elfmap_types.h"

struct quic_packets {
	__u64 initial;
	__u64 zero_rtt;
	__u64 handshake;
	__u64 retry;
	__u64 negotiation;   /* of the version */
	__u64 other_version; /* a long header of a version that is neither 1 nor 2 */
	__u64 short_header;  /* of a connection that stands, as far as it can be told: on port 443 */
	__u64 no_quic;
};

_Static_assert(sizeof(struct quic_packets) == 64, "eight 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct quic_packets, no_quic) == 56, "no_quic is the last");

#endif
