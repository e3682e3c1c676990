// SPDX-License-Identifier: GPL-2.0-only
/*
 * An external stage for the parser: recognizes QUIC in UDP by its invariants (RFC 8999) and counts
 * packets by kind. It is an example of a stage: one header, one function and its own maps. Parsing
 * continues after it.
 *
 *   elfmap graft parser_stages udp_payload parser_quic.o sec quic
 *   elfmap map dump quic_packets sum
 *   elfmap graft parser_stages udp_payload --empty
 */
#include <linux/bpf.h>

#include "parser_quic.h"
#include "stage.h"

#define QUIC_LONG 0x80
#define QUIC_FIXED 0x40 /* set in all packets except version negotiation */
#define QUIC_KIND_SHIFT 4
#define QUIC_PORT 443
#define QUIC_CONNECTION_ID_MAX 20
#define QUIC_V1 0x00000001
#define QUIC_V2 0x6b3343cf

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") quic_packets = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct quic_packets),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(quic_packets, __u32, struct quic_packets);

/* The start of a long header; a short one is only known to have the first byte. */
struct quic_long {
	__u8 first;
	__u8 version[4];
	__u8 connection_id_length;
};

_Static_assert(sizeof(struct quic_long) == 6, "bytes as they are on the wire");

static __always_inline bool is_quic_port(__be32 ports)
{
	__u32 both = bpf_ntohl(ports);

	return both >> 16 == QUIC_PORT || (both & 0xffff) == QUIC_PORT;
}

/* Version 2 has the same kinds as version 1, with rotated numbers. */
static __always_inline __u64 *count_of_long(struct quic_packets *packets, const struct quic_long *quic)
{
	__u32 version = quic->version[0] << 24 | quic->version[1] << 16 | quic->version[2] << 8 | quic->version[3];
	__u32 kind = quic->first >> QUIC_KIND_SHIFT & 3;

	if (quic->connection_id_length > QUIC_CONNECTION_ID_MAX)
		return &packets->no_quic;
	if (version == 0)
		return &packets->negotiation;
	if (!(quic->first & QUIC_FIXED))
		return &packets->no_quic;
	if (version != QUIC_V1 && version != QUIC_V2)
		return &packets->other_version;
	if (version == QUIC_V2)
		kind = (kind + 3) & 3;
	if (kind == 0)
		return &packets->initial;
	if (kind == 1)
		return &packets->zero_rtt;
	return kind == 2 ? &packets->handshake : &packets->retry;
}

static __always_inline __u64 *count_of(struct __sk_buff *skb, struct quic_packets *packets)
{
	const struct quic_long *quic = stage__header(skb, sizeof(*quic));

	if (!quic)
		return &packets->no_quic;
	if (quic->first & QUIC_LONG)
		return count_of_long(packets, quic);
	return quic->first & QUIC_FIXED && is_quic_port(STAGE(skb, ports)) ? &packets->short_header : &packets->no_quic;
}

SEC("quic")
int parser_quic(struct __sk_buff *skb)
{
	__u32 only = 0;
	struct quic_packets *packets = bpf_map_lookup_elem(&quic_packets, &only);

	if (packets)
		*count_of(skb, packets) += stage__packets(skb);
	return stage__next(skb, PARSER_FLOW);
}
