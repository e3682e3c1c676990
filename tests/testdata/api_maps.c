// SPDX-License-Identifier: GPL-2.0-only
/* One map for each macro of bpf_api.h that defines one. */
#include "bpf_api.h"

struct key {
	uint64_t words[2];
};

BPF_HASH(hash, 0, sizeof(struct key), 24, PIN_GLOBAL_NS, 16);
BPF_HASH4(hash4, 0, sizeof(uint64_t), PIN_GLOBAL_NS, 17);
BPF_HASH8(hash8, 0, sizeof(uint64_t), PIN_GLOBAL_NS, 18);
BPF_PERCPU_HASH(percpu_hash, 0, 4, 8, PIN_GLOBAL_NS, 19);
BPF_LRU_HASH(lru_hash, 0, 4, 8, PIN_GLOBAL_NS, 20);
BPF_ARRAY(array, 0, 40, PIN_GLOBAL_NS, 21);
BPF_ARRAY2(array2, 0, PIN_GLOBAL_NS, 22);
BPF_ARRAY4(array4, 0, PIN_GLOBAL_NS, 23);
BPF_ARRAY8(array8, 0, PIN_GLOBAL_NS, 24);
BPF_PERCPU_ARRAY(percpu_array, 0, 8, PIN_GLOBAL_NS, 25);
BPF_PROG_ARRAY(prog_array, 5, PIN_GLOBAL_NS, 26);
BPF_CGROUP_ARRAY(cgroup_array, 0, PIN_GLOBAL_NS, 27);
BPF_PERF_EVENT_ARRAY(events, 0, PIN_GLOBAL_NS, 0);

/* Each map is used, so that none can be missing or of another kind. */
__section_cls_entry
int entry(struct __sk_buff *skb)
{
	uint64_t wide = skb->len, zero = 0;
	struct key key = {{wide, wide}};
	uint8_t value[24] = {};
	uint32_t slot = 0;

	map_update_elem(&hash, &key, value, BPF_ANY);
	map_update_elem(&hash4, &wide, &slot, BPF_NOEXIST);
	map_update_elem(&hash8, &wide, &zero, BPF_ANY);
	map_delete_elem(&hash8, &wide);
	map_update_elem(&percpu_hash, &slot, &wide, BPF_ANY);
	map_update_elem(&lru_hash, &slot, &wide, BPF_ANY);
	if (!map_lookup_elem(&array, &slot) || !map_lookup_elem(&array2, &slot) || !map_lookup_elem(&array4, &slot) ||
	    !map_lookup_elem(&array8, &slot) || !map_lookup_elem(&percpu_array, &slot))
		return TC_ACT_SHOT;
	if (unlikely(skb_under_cgroup(skb, &cgroup_array, 0) == 1))
		return TC_ACT_SHOT;
	skb_event_output(skb, &events, 0xffffffffULL /* this CPU's */, &wide, sizeof(wide));
	tail_call(skb, &prog_array, 3);
	return TC_ACT_UNSPEC;
}

BPF_LICENSE("GPL");
