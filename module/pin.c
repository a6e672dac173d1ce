// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - pins: objects kept by name, without an fd */

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "object.h"
#include "pin.h"
#include "core/proto.h"

/**
 * struct kps_pin - a pin
 * @list: in pins
 * @obj: a reference; a reference to the module goes with it
 * @name: unique
 */
struct kps_pin {
	struct list_head list;
	struct kps_object *obj;
	char name[KAPSEL_NAME_LEN];
};

static DEFINE_MUTEX(pins_lock);	/* protects pins and kps_object.pin */
static LIST_HEAD(pins);

static struct kps_pin *find(const char *name)
{
	struct kps_pin *pin;

	lockdep_assert_held(&pins_lock);
	list_for_each_entry(pin, &pins, list)
		if (!strcmp(pin->name, name))
			return pin;
	return NULL;
}

static int check_name(const char *name)
{
	return name[0] ? kps_name_check(name) : -EINVAL;
}

void kps_pin_name(struct kps_object *obj, char *name)
{
	mutex_lock(&pins_lock);
	strscpy_pad(name, obj->pin ? obj->pin->name : "", KAPSEL_NAME_LEN);
	mutex_unlock(&pins_lock);
}

static int add(struct kps_object *obj, const char *name)
{
	struct kps_pin *pin;

	lockdep_assert_held(&pins_lock);
	if (find(name))
		return -EEXIST;
	if (obj->pin)
		return -EBUSY;
	pin = kzalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	if (!pin)
		return -ENOMEM;
	/* The caller's file already holds the module. */
	__module_get(THIS_MODULE);
	kps_object_hold(obj);
	pin->obj = obj;
	strscpy(pin->name, name, sizeof(pin->name));
	list_add_tail(&pin->list, &pins);
	obj->pin = pin;
	return 0;
}

int kps_pin(struct kps_call *call)
{
	struct kapsel_pin *arg = call->arg;
	struct kps_object *obj;
	int err;

	if (arg->flags || check_name(arg->name))
		return -EINVAL;
	obj = kps_object_by_any_fd(arg->fd);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	mutex_lock(&pins_lock);
	err = add(obj, arg->name);
	mutex_unlock(&pins_lock);
	kps_object_put(obj);
	return err;
}

static struct kps_pin *take(const char *name)
{
	struct kps_pin *pin;

	mutex_lock(&pins_lock);
	pin = find(name);
	if (pin) {
		list_del(&pin->list);
		pin->obj->pin = NULL;
	}
	mutex_unlock(&pins_lock);
	return pin;
}

int kps_unpin(struct kps_call *call)
{
	struct kapsel_pin *arg = call->arg;
	struct kps_pin *pin;

	if (arg->fd || arg->flags || check_name(arg->name))
		return -EINVAL;
	pin = take(arg->name);
	if (!pin)
		return -ENOENT;
	/* Outside the lock: this may be a link's last reference, and sleep. */
	kps_object_unhold(pin->obj);
	kfree(pin);
	module_put(THIS_MODULE);
	return 0;
}

int kps_get_pinned(struct kps_call *call)
{
	struct kapsel_pin *arg = call->arg;
	struct kps_pin *pin;
	int err = -ENOENT;

	if (arg->fd || arg->flags & ~KPS_OPEN_FLAGS || check_name(arg->name))
		return -EINVAL;
	mutex_lock(&pins_lock);
	pin = find(arg->name);
	if (pin)
		err = kps_object_fd(pin->obj, arg->flags, call);
	mutex_unlock(&pins_lock);
	return err;
}
