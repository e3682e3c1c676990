/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The macros and declarations that sources of legacy classifiers expect from iproute2's header of this
 * name: sections, map definitions, short names of helpers, byte order. Such sources compile unchanged.
 * It declares only the helpers of those headers; a source that needs others declares them with
 * BPF_FUNC().
 *
 *   clang -target bpf -O2 -g -I/usr/local/include/elfmap -c prog.c
 *
 * New sources should use bpf_elf.h, and libbpf's bpf_helpers.h for helpers.
 */
#ifndef BPF_API_H
#define BPF_API_H

#include <asm/byteorder.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/pkt_cls.h> /* TC_ACT_…, and TC_H_MAKE() of linux/pkt_sched.h */

#include "bpf_elf.h"

/* ---- types: <stdint.h> of x86 cannot be included for BPF where the headers of 32-bit x86 are missing ---------- */

#if defined(__has_include) && __has_include(<gnu/stubs-32.h>)
#include <stdint.h>
#else
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#endif

/* ---- the compiler ----------------------------------------------------------------------------------------- */

#ifndef __stringify
#define __stringify(text) #text
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif
#ifndef __inline__ /* old kernels do not support function calls */
#define __inline__ inline __attribute__((always_inline))
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef likely
#define likely(condition) __builtin_expect(!!(condition), 1)
#endif
#ifndef unlikely
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#endif
#ifndef lock_xadd /* atomic; the sum is not returned */
#define lock_xadd(pointer, value) ((void)__sync_fetch_and_add((pointer), (value)))
#endif

/* Without libc; sizes must be constants. */
#ifndef memset
#define memset(to, byte, size) __builtin_memset((to), (byte), (size))
#endif
#ifndef memcpy
#define memcpy(to, from, size) __builtin_memcpy((to), (from), (size))
#endif
#ifndef memmove
#define memmove(to, from, size) __builtin_memmove((to), (from), (size))
#endif

/* ---- byte order ------------------------------------------------------------------------------------------- */

/* Constant if the argument is, so also for case labels and initializers. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define __bpf_order(bits, value) __builtin_bswap##bits(value)
#else
#define __bpf_order(bits, value) ((__u##bits)(value))
#endif
#ifndef htons
#define htons(value) __bpf_order(16, value)
#endif
#ifndef ntohs
#define ntohs(value) __bpf_order(16, value)
#endif
#ifndef htonl
#define htonl(value) __bpf_order(32, value)
#endif
#ifndef ntohl
#define ntohl(value) __bpf_order(32, value)
#endif
#ifndef bpf_htons
#define bpf_htons(value) htons(value)
#define bpf_ntohs(value) ntohs(value)
#define bpf_htonl(value) htonl(value)
#define bpf_ntohl(value) ntohl(value)
#endif

/* ---- sections --------------------------------------------------------------------------------------------- */

#ifndef __section
#define __section(name) __attribute__((section(name), used))
#endif
#ifndef __section_tail /* the program for slot KEY of the PROG_ARRAY with this ID; both may be macros */
#define __section_tail(id, key) __section(__stringify(id) "/" __stringify(key))
#endif
#ifndef __section_cls_entry
#define __section_cls_entry __section(ELF_SECTION_CLASSIFIER)
#endif
#ifndef __section_act_entry
#define __section_act_entry __section(ELF_SECTION_ACTION)
#endif
#ifndef __section_xdp_entry
#define __section_xdp_entry __section(ELF_SECTION_PROG)
#endif
#ifndef __section_lwt_entry
#define __section_lwt_entry __section(ELF_SECTION_PROG)
#endif
#ifndef __section_license
#define __section_license __section(ELF_SECTION_LICENSE)
#endif
#ifndef __section_maps
#define __section_maps __section(ELF_SECTION_MAPS)
#endif
#ifndef BPF_LICENSE
#define BPF_LICENSE(name) char ____license[] __section_license = name
#endif

/* Return value of a classifier: the class that the filter was configured with. */
#ifndef BPF_H_DEFAULT
#define BPF_H_DEFAULT -1
#endif

/* ---- maps: (name, id, size of key, size of value, pinning, entries), without what the type implies ---------- */

#ifndef __BPF_MAP
#define __BPF_MAP(name, kind, map_id, key, value, pin, entries)          \
	struct bpf_elf_map __section_maps name = {.type = (kind),        \
						  .id = (map_id),        \
						  .size_key = (key),     \
						  .size_value = (value), \
						  .pinning = (pin),      \
						  .max_elem = (entries)}
#endif

#ifndef BPF_HASH
#define BPF_HASH(name, id, key, value, pin, entries) __BPF_MAP(name, BPF_MAP_TYPE_HASH, id, key, value, pin, entries)
#endif
#ifndef BPF_HASH4 /* values of 4 bytes, of 8 bytes */
#define BPF_HASH4(name, id, key, pin, entries) BPF_HASH(name, id, key, 4, pin, entries)
#define BPF_HASH8(name, id, key, pin, entries) BPF_HASH(name, id, key, 8, pin, entries)
#endif
#ifndef BPF_PERCPU_HASH
#define BPF_PERCPU_HASH(name, id, key, value, pin, entries) \
	__BPF_MAP(name, BPF_MAP_TYPE_PERCPU_HASH, id, key, value, pin, entries)
#endif
#ifndef BPF_LRU_HASH
#define BPF_LRU_HASH(name, id, key, value, pin, entries) \
	__BPF_MAP(name, BPF_MAP_TYPE_LRU_HASH, id, key, value, pin, entries)
#endif

#ifndef BPF_ARRAY
#define BPF_ARRAY(name, id, value, pin, entries) __BPF_MAP(name, BPF_MAP_TYPE_ARRAY, id, 4, value, pin, entries)
#endif
#ifndef BPF_ARRAY2
#define BPF_ARRAY2(name, id, pin, entries) BPF_ARRAY(name, id, 2, pin, entries)
#endif
#ifndef BPF_ARRAY4
#define BPF_ARRAY4(name, id, pin, entries) BPF_ARRAY(name, id, 4, pin, entries)
#endif
#ifndef BPF_ARRAY8
#define BPF_ARRAY8(name, id, pin, entries) BPF_ARRAY(name, id, 8, pin, entries)
#endif
#ifndef BPF_PERCPU_ARRAY
#define BPF_PERCPU_ARRAY(name, id, value, pin, entries) \
	__BPF_MAP(name, BPF_MAP_TYPE_PERCPU_ARRAY, id, 4, value, pin, entries)
#endif

#ifndef BPF_PROG_ARRAY
#define BPF_PROG_ARRAY(name, id, pin, entries) __BPF_MAP(name, BPF_MAP_TYPE_PROG_ARRAY, id, 4, 4, pin, entries)
#endif
#ifndef BPF_CGROUP_ARRAY
#define BPF_CGROUP_ARRAY(name, id, pin, entries) __BPF_MAP(name, BPF_MAP_TYPE_CGROUP_ARRAY, id, 4, 4, pin, entries)
#endif
#ifndef BPF_PERF_EVENT_ARRAY /* 0 entries: the number of CPUs */
#define BPF_PERF_EVENT_ARRAY(name, id, pin, entries) \
	__BPF_MAP(name, BPF_MAP_TYPE_PERF_EVENT_ARRAY, id, 4, 4, pin, entries)
#endif

/* ---- helpers ---------------------------------------------------------------------------------------------- */

/* `static TYPE BPF_FUNC(name, parameters);` declares the helper that <linux/bpf.h> numbers as BPF_FUNC_name. */
#ifndef __BPF_FUNC
#define __BPF_FUNC(name, ...) (*name)(__VA_ARGS__) __maybe_unused
#endif
#ifndef BPF_FUNC
#define BPF_FUNC(name, ...) __BPF_FUNC(name, __VA_ARGS__) = (void *)BPF_FUNC_##name
#endif

/* Maps. */
static void *BPF_FUNC(map_lookup_elem, void *map, const void *key);
static int BPF_FUNC(map_update_elem, void *map, const void *key, const void *value, __u64 flags);
static int BPF_FUNC(map_delete_elem, void *map, const void *key);
static void BPF_FUNC(tail_call, void *context, void *map, __u32 slot);

/* The system. */
static __u64 BPF_FUNC(ktime_get_ns, void);
static __u32 BPF_FUNC(get_prandom_u32, void);
static __u32 BPF_FUNC(get_smp_processor_id, void);
static __u32 BPF_FUNC(get_numa_node_id, void);
static int BPF_FUNC(trace_printk, const char *format, int format_size, ...);

/* Metadata of a packet. The first argument of skb_under_cgroup() is the packet; a widely copied declaration
 * lacks it, and the verifier refuses programs compiled with that. */
static __u32 BPF_FUNC(get_cgroup_classid, struct __sk_buff *skb);
static __u32 BPF_FUNC(get_route_realm, struct __sk_buff *skb);
static __u32 BPF_FUNC(get_hash_recalc, struct __sk_buff *skb);
static __u32 BPF_FUNC(set_hash_invalid, struct __sk_buff *skb);
static int BPF_FUNC(skb_under_cgroup, struct __sk_buff *skb, void *map, __u32 slot);
static int __BPF_FUNC(skb_event_output, struct __sk_buff *skb, void *map, __u64 index, const void *data,
		      __u64 size) = (void *)BPF_FUNC_perf_event_output;

/* Where it is sent. */
static int BPF_FUNC(redirect, int ifindex, __u64 flags);
static int BPF_FUNC(clone_redirect, struct __sk_buff *skb, int ifindex, __u64 flags);

/* Its bytes and checksums. */
static int BPF_FUNC(skb_load_bytes, const void *skb, __u32 offset, void *to, __u32 size);
static int BPF_FUNC(skb_store_bytes, struct __sk_buff *skb, __u32 offset, const void *from, __u32 size, __u64 flags);
static int BPF_FUNC(skb_pull_data, struct __sk_buff *skb, __u32 size);
static int BPF_FUNC(l3_csum_replace, struct __sk_buff *skb, __u32 offset, __u64 from, __u64 to, __u64 flags);
static int BPF_FUNC(l4_csum_replace, struct __sk_buff *skb, __u32 offset, __u64 from, __u64 to, __u64 flags);
static int BPF_FUNC(csum_diff, const void *from, __u32 from_size, const void *to, __u32 to_size, __u32 seed);
static int BPF_FUNC(csum_update, struct __sk_buff *skb, __u32 sum);
static int BPF_FUNC(skb_change_type, struct __sk_buff *skb, __u32 type);
static int BPF_FUNC(skb_change_proto, struct __sk_buff *skb, __u32 protocol, __u64 flags);
static int BPF_FUNC(skb_change_tail, struct __sk_buff *skb, __u32 size, __u64 flags);

/* VLANs and tunnels. */
static int BPF_FUNC(skb_vlan_push, struct __sk_buff *skb, __u16 protocol, __u16 tci);
static int BPF_FUNC(skb_vlan_pop, struct __sk_buff *skb);
static int BPF_FUNC(skb_get_tunnel_key, struct __sk_buff *skb, struct bpf_tunnel_key *to, __u32 size, __u64 flags);
static int BPF_FUNC(skb_set_tunnel_key, struct __sk_buff *skb, const struct bpf_tunnel_key *from, __u32 size,
		    __u64 flags);
static int BPF_FUNC(skb_get_tunnel_opt, struct __sk_buff *skb, void *to, __u32 size);
static int BPF_FUNC(skb_set_tunnel_opt, struct __sk_buff *skb, const void *from, __u32 size);

/* Special instructions; results are in host byte order. If the packet is too short, the program returns 0. */
unsigned long long load_byte(void *skb, unsigned long long offset) __asm__("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) __asm__("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) __asm__("llvm.bpf.load.word");

/* Prints a line to the kernel's trace; the format must be a literal. */
#ifndef printt
#define printt(format, ...)                                                  \
	({                                                                   \
		char ____format[] = format;                                  \
		trace_printk(____format, sizeof(____format), ##__VA_ARGS__); \
	})
#endif

#endif
