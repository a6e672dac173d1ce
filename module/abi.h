/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what this module is and can, for clients that do not want to guess */
#ifndef KPS_ABI_H
#define KPS_ABI_H

struct kps_call;

#define KPS_VERSION "0.1.0"

/* ioctls */
int kps_get_abi(struct kps_call *call);
int kps_list_helpers(struct kps_call *call);
int kps_list_contexts(struct kps_call *call);
int kps_list_map_types(struct kps_call *call);
int kps_list_hooks(struct kps_call *call);
int kps_list_wraps(struct kps_call *call);

#endif
