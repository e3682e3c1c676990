/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface of a stage of the tail-call parser: include this, write a function, graft it.
 *
 *   SEC("quic")
 *   int quic_stage(struct __sk_buff *skb)
 *   {
 *           const __u8 *quic = stage__header(skb, 5);
 *
 *           if (!quic)
 *                   return stage__end(skb, too_short);
 *           ... look at quic[0] to quic[4] ...
 *           return stage__next(skb, PARSER_FLOW);
 *   }
 *
 *   elfmap graft parser_stages udp_payload quic.o sec quic
 *
 * The state of the parse is in the packet's control block, which tail calls preserve. A stage ends with
 * stage__next(), which jumps to the stage in another slot, or with stage__end(), which jumps to the stage
 * that counts why parsing ended. The verdict is always TC_ACT_UNSPEC, so that the next filters see the
 * packet.
 */
#ifndef STAGE_H
#define STAGE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "parse.h"
#include "parser.h"

struct bpf_elf_map SEC("maps") parser_stages = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = PARSER_SLOTS,
	.id = PARSER_TABLE,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_stages, enum parser_slot, __u32); /* the names of the slots for `elfmap graft` */

/* ---- the state -------------------------------------------------------------------------------------- */

/* The contents of skb->cb. Each member is read in the size in which it was written: other reads stall
 * until the writes are stored. */
struct stage {
	__u16 offset;  /* of the header for this stage, from skb->data */
	__u8 protocol; /* of the innermost IP header so far; 0: none yet */
	__u8 state;    /* STAGE_… */
	union {
		__u32 limit; /* the end of that IP packet, or of the frame if there is none yet, from skb->data */
		__u32 end;   /* at PARSER_END: why, a member of struct parser_ends by its number, or
			      * STAGE_EMPTY and a slot */
	};
	union {
		__u64 ipv4_addresses; /* of that header, in network order */
		__u32 ipv6_offset;    /* of that header, from skb->data */
	};
	union {
		__be32 ports;	 /* of the transport header, in network order; 0: none yet */
		__u32 ethertype; /* at PARSER_LINK and PARSER_OTHER_LINK: the type of the header at offset; a __be16 */
	};
} __attribute__((packed));

_Static_assert(sizeof(struct stage) == sizeof(((struct __sk_buff *)0)->cb), "all of skb->cb");
_Static_assert(__builtin_offsetof(struct stage, ipv4_addresses) == 8, "aligned like skb->cb itself");

#define STAGE_IPV6 0x01	    /* the innermost IP header is IPv6, else IPv4 */
#define STAGE_FRAGMENT 0x02 /* it is a first fragment */
#define STAGE_DEPTH 0x10    /* added for each nested header */
#define STAGE_EMPTY 0x100

/* A member, as an lvalue. */
#define STAGE(skb, member) \
	(*(typeof(((struct stage *)0)->member) *)((void *)(skb)->cb + __builtin_offsetof(struct stage, member)))

/* As 64 bits with a range that the compiler does not know: it would otherwise test the sign of the lower
 * sixteen bits instead of comparing with PACKET_REACH, which is slower. */
static __always_inline __u64 stage__offset(const struct __sk_buff *skb)
{
	__u64 offset = STAGE(skb, offset);

	asm("" : "+r"(offset));
	return offset;
}

/* The first SIZE bytes of this stage's header; NULL: the packet is shorter. SIZE is a constant.
 * Invalidates all other pointers into the packet. */
static __always_inline void *stage__header(struct __sk_buff *skb, __u32 size)
{
	__u64 offset = stage__offset(skb);

	return offset + size <= STAGE(skb, limit) ? packet__at(skb, offset, size) : NULL;
}

/* Sets the start of the next header, LENGTH bytes after the start of this one. */
static __always_inline void stage__skip(struct __sk_buff *skb, __u32 length)
{
	STAGE(skb, offset) += length;
}

/* The same after a header that can be repeated: a tag, a label, a tunnel. False: there were too many
 * of them. */
static __always_inline bool stage__descend(struct __sk_buff *skb, __u32 length)
{
	__u64 state = STAGE(skb, state);

	stage__skip(skb, length);
	STAGE(skb, state) = state + STAGE_DEPTH;
	return state < PARSER_DEPTH_MAX * STAGE_DEPTH;
}

/* The number of packets on the wire: the segments of a GSO packet. */
static __always_inline __u64 stage__packets(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

/* ---- the end of a stage ----------------------------------------------------------------------------- */

/* Continues with the stage in SLOT if there is one, else with the next statement. SLOT is a constant.
 * The call is in assembler, so that the compiler neither merges two calls, with the slot in a register,
 * nor delays writes past it. The kernel patches it to a direct jump, which saves a nanosecond, but must
 * be patched in each place when the stage changes. For the common path of a packet, and for slots that
 * are usually empty. */
#define stage__try(skb, slot)                                                               \
	asm volatile("r1 = %[context]\n\t"                                                  \
		     "r2 = %[table]\n\t"                                                    \
		     "r3 = %[number]\n\t"                                                   \
		     "call %[tail_call]"                                                    \
		     :                                                                      \
		     : [context] "r"(skb), [table] "r"(&parser_stages), [number] "i"(slot), \
		       [tail_call] "i"(BPF_FUNC_tail_call)                                  \
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory")

/* The same for all other places. The added bit is always 0, since packets are smaller than 2 GiB, but it
 * makes SLOT a variable for the verifier, so that the kernel looks it up. */
static __always_inline void stage__look_up(struct __sk_buff *skb, __u64 slot)
{
	__u64 end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, cb[1]))
		     : "memory");
	bpf_tail_call(skb, &parser_stages, slot + (end >> 31));
}

static __always_inline int stage__leave(struct __sk_buff *skb, __u32 why)
{
	STAGE(skb, end) = why;
	stage__look_up(skb, PARSER_END);
	return TC_ACT_UNSPEC;
}

/* Counts the packet in MEMBER of struct parser_ends: `return stage__end(skb, malformed);` */
#define stage__end(skb, member) stage__leave(skb, __builtin_offsetof(struct parser_ends, member) / sizeof(__u64))

/* Continues with the stage in SLOT: `return stage__next(skb, PARSER_FLOW);` If the slot is empty, the
 * packet is counted in parser_empty. */
static __always_inline int stage__next(struct __sk_buff *skb, enum parser_slot slot)
{
	stage__look_up(skb, slot);
	return stage__leave(skb, STAGE_EMPTY | slot);
}

#endif
