/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - pins: objects kept by name, without an fd */
#ifndef KPS_PIN_H
#define KPS_PIN_H

struct kps_call;
struct kps_object;

/** kps_pin_name - the name of an object's pin into @name[KAPSEL_NAME_LEN] */
void kps_pin_name(struct kps_object *obj, char *name);

/* ioctls */
int kps_pin(struct kps_call *call);
int kps_unpin(struct kps_call *call);
int kps_get_pinned(struct kps_call *call);

#endif
