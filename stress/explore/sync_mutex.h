/* SPDX-License-Identifier: MIT */
/* What condition variables need of mutexes. */
#ifndef ONCEPROOF_EXPLORE_SYNC_MUTEX_H
#define ONCEPROOF_EXPLORE_SYNC_MUTEX_H

#include "sync.h"

struct sync_object *sync_mutex_waited_with(void *m, const void *site);
int sync_mutex_release(struct sync_object *o, const void *site);
/* Locks it again; as pthread_mutex_lock(). */
int sync_mutex_take_back(struct sync_object *o, const void *site);

/* Takes or gives back M for code that is to be under it (amend.h), whatever its type is: who has it already holds it once more. */
void sync_mutex_enter(void *m, const void *site);
/* Does the thread still have it? */
bool sync_mutex_leave(void *m, const void *site);

#endif
