#pragma once
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

// Declared for _GNU_SOURCE only, which the Swift compiler does not define; the headers belong to Swift's Glibc module.
int pthread_setname_np(unsigned long thread, const char *name);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);

// prctl is variadic, which Swift does not import.
static inline int novatune_set_not_dumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
static inline int novatune_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
