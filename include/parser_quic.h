/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The map of tc-progs/parser_quic.c has one value, per CPU: UDP packets on the wire by kind of QUIC
 * packet. */
#ifndef PARSER_QUIC_H
#define PARSER_QUIC_H

#include "elfmap_types.h"

struct quic_packets {
	__u64 initial;
	__u64 zero_rtt;
	__u64 handshake;
	__u64 retry;
	__u64 negotiation;   /* version negotiation */
	__u64 other_version; /* a long header of a version that is neither 1 nor 2 */
	__u64 short_header;  /* probably of an established connection: on port 443 */
	__u64 no_quic;
};

_Static_assert(sizeof(struct quic_packets) == 64, "eight 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct quic_packets, no_quic) == 56, "no_quic is the last");

#endif
