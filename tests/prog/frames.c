// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The frame builder of frames.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "frames.h"
#include "test.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_BRIDGED 0x6558

#ifndef IPPROTO_ETHERNET
#define IPPROTO_ETHERNET 143
#endif

static size_t append(struct frame *frame, size_t size)
{
	size_t offset = frame->size;

	assert_true(size <= FRAME_MAX - offset);
	memset(frame->bytes + offset, 0, size);
	frame->size += size;
	return offset;
}

void frame__put16(struct frame *frame, size_t offset, __u16 value)
{
	frame->bytes[offset] = value >> 8;
	frame->bytes[offset + 1] = value & 0xff;
}

static void name_next(struct frame *frame, __u16 ethertype, __u8 protocol)
{
	if (frame->next_bits == 16)
		frame__put16(frame, frame->next, ethertype);
	else if (frame->next_bits == 8)
		frame->bytes[frame->next] = protocol;
}

static void next_is_at(struct frame *frame, size_t offset, unsigned int bits)
{
	frame->next = offset;
	frame->next_bits = bits;
}

size_t frame__ethernet(struct frame *frame)
{
	static const __u8 addresses[] = {0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02};

	frame__no_link(frame);
	memcpy(frame->bytes, addresses, sizeof(addresses));
	frame->size = sizeof(addresses);
	next_is_at(frame, append(frame, 2), 16);
	return 0;
}

void frame__no_link(struct frame *frame)
{
	frame->size = frame->nr_ip = 0;
	frame->next_bits = 0;
}

size_t frame__tag(struct frame *frame, __u16 ethertype, __u16 tci)
{
	size_t at = append(frame, 4);

	name_next(frame, ethertype, 0);
	frame__put16(frame, at, tci);
	next_is_at(frame, at + 2, 16);
	return at;
}

size_t frame__mpls(struct frame *frame, __u32 label, bool last)
{
	size_t at = append(frame, 4);

	name_next(frame, ETHERTYPE_MPLS, IPPROTO_MPLS);
	frame__put16(frame, at, label >> 4);
	frame__put16(frame, at + 2, (label & 0xf) << 12 | (last ? 0x100 : 0) | 64);
	frame->next_bits = 0;
	return at;
}

size_t frame__arp(struct frame *frame)
{
	name_next(frame, ETHERTYPE_ARP, 0);
	frame->next_bits = 0;
	return append(frame, 28);
}

static void add_ip(struct frame *frame, size_t offset)
{
	assert_true(frame->nr_ip < sizeof(frame->ip) / sizeof(*frame->ip));
	frame->ip[frame->nr_ip++] = offset;
}

size_t frame__ipv4(struct frame *frame, const char *from, const char *to)
{
	return frame__ipv4_with(frame, from, to, 0, 0);
}

size_t frame__ipv4_with(struct frame *frame, const char *from, const char *to, size_t options, __u16 fragment)
{
	size_t at = append(frame, 20 + options);
	__u8 *header = frame->bytes + at;

	name_next(frame, ETHERTYPE_IPV4, IPPROTO_IPIP);
	header[0] = 0x40 | (20 + options) / 4;
	frame__put16(frame, at + 6, fragment);
	header[8] = 64;
	memset(header + 20, 1, options); /* no-operation options */
	assert_int_equal(inet_pton(AF_INET, from, header + 12), 1);
	assert_int_equal(inet_pton(AF_INET, to, header + 16), 1);
	next_is_at(frame, at + 9, 8);
	add_ip(frame, at);
	return at;
}

size_t frame__ipv6(struct frame *frame, const char *from, const char *to)
{
	size_t at = append(frame, 40);
	__u8 *header = frame->bytes + at;

	name_next(frame, ETHERTYPE_IPV6, IPPROTO_IPV6);
	header[0] = 0x60;
	header[7] = 64;
	assert_int_equal(inet_pton(AF_INET6, from, header + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, to, header + 24), 1);
	frame->bytes[at + 6] = IPPROTO_NONE;
	next_is_at(frame, at + 6, 8);
	add_ip(frame, at);
	return at;
}

size_t frame__extension(struct frame *frame, __u8 protocol, __u8 length)
{
	size_t at = append(frame, protocol == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8);

	name_next(frame, 0, protocol);
	frame->bytes[at] = IPPROTO_NONE;
	frame->bytes[at + 1] = length;
	next_is_at(frame, at, 8);
	return at;
}

size_t frame__ipv6_fragment(struct frame *frame, __u16 fragment)
{
	size_t at = frame__extension(frame, IPPROTO_FRAGMENT, 0);

	frame->bytes[at + 1] = 0xff; /* reserved: must be ignored, and is not a length */
	frame__put16(frame, at + 2, fragment);
	return at;
}

size_t frame__gre(struct frame *frame, __u16 flags)
{
	size_t words = 1 + !!(flags & 0x8000) + !!(flags & 0x2000) + !!(flags & 0x1000);
	size_t at = append(frame, 4 * words);

	name_next(frame, 0, IPPROTO_GRE);
	frame__put16(frame, at, flags);
	memset(frame->bytes + at + 4, 0x45, 4 * (words - 1)); /* looks like the start of an IPv4 header */
	next_is_at(frame, at + 2, 16);
	return at;
}

size_t frame__vxlan(struct frame *frame, __u32 vni)
{
	size_t at = append(frame, 8);

	frame->bytes[at] = 0x08;
	frame__put16(frame, at + 4, vni >> 8);
	frame->bytes[at + 6] = vni & 0xff;
	frame->next_bits = 0;
	return at;
}

size_t frame__inner_ethernet(struct frame *frame)
{
	size_t at = append(frame, 14);

	name_next(frame, ETHERTYPE_BRIDGED, IPPROTO_ETHERNET);
	memset(frame->bytes + at, 0x45, 12); /* looks like the start of an IPv4 header */
	next_is_at(frame, at + 12, 16);
	return at;
}

static size_t transport(struct frame *frame, __u8 protocol, size_t size)
{
	name_next(frame, 0, protocol);
	frame->next_bits = 0;
	return append(frame, size);
}

size_t frame__tcp(struct frame *frame, __u16 from, __u16 to)
{
	size_t at = transport(frame, IPPROTO_TCP, 20);

	frame__put16(frame, at, from);
	frame__put16(frame, at + 2, to);
	frame->bytes[at + 12] = 0x50;
	return at;
}

size_t frame__udp(struct frame *frame, __u16 from, __u16 to)
{
	size_t at = transport(frame, IPPROTO_UDP, 8);

	frame__put16(frame, at, from);
	frame__put16(frame, at + 2, to);
	return at;
}

size_t frame__sctp(struct frame *frame, __u16 from, __u16 to)
{
	size_t at = transport(frame, IPPROTO_SCTP, 12);

	frame__put16(frame, at, from);
	frame__put16(frame, at + 2, to);
	return at;
}

size_t frame__icmp(struct frame *frame, __u8 protocol, __u8 type, __u16 id)
{
	size_t at = transport(frame, protocol, 8);

	frame->bytes[at] = type;
	frame__put16(frame, at + 4, id);
	return at;
}

void frame__protocol(struct frame *frame, __u8 protocol)
{
	name_next(frame, 0, protocol);
	frame->next_bits = 0;
}

void frame__payload(struct frame *frame, size_t size)
{
	memset(frame->bytes + append(frame, size), 0xda, size);
}

static __u16 ipv4_checksum(const __u8 *header, size_t size)
{
	__u32 sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

void frame__seal(struct frame *frame)
{
	for (size_t i = 0; i < frame->nr_ip; i++) {
		size_t at = frame->ip[i];
		__u8 *header = frame->bytes + at;

		if (header[0] >> 4 == 6) {
			frame__put16(frame, at + 4, frame->size - at - 40);
			continue;
		}
		frame__put16(frame, at + 2, frame->size - at);
		frame__put16(frame, at + 10, ipv4_checksum(header, (header[0] & 0xf) * 4));
	}
}
