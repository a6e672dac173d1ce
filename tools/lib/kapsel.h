/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libkapsel - objects made by clang, the verifier offline, the device, and
 * what there is to say about them
 *
 * Unless said otherwise: functions return 0 or a negative errno and then fill
 * @err, one sentence that names the thing at fault; what a function returns by
 * pointer stays the object's it came from; different objects may be used by
 * different threads, one object by one thread at a time. The library has no
 * global state and prints nothing by itself.
 */
#ifndef KAPSEL_H
#define KAPSEL_H

#include "kapsel/error.h"
#include "kapsel/hook.h"
#include "kapsel/object.h"
#include "kapsel/pcap.h"
#include "kapsel/value.h"
#include "kapsel/verdict.h"
#include "kapsel/device.h"
#include "kapsel/tables.h"

#endif
