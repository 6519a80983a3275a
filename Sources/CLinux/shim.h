#pragma once
#include <link.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <unistd.h>

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

// The first members of glibc's struct dl_phdr_info, which is declared for _GNU_SOURCE only, too.
struct novatune_loaded_object {
    ElfW(Addr) address;
    const char *name;
    const ElfW(Phdr) *segments;
    ElfW(Half) segment_count;
};
int dl_iterate_phdr(int (*visit)(struct novatune_loaded_object *, size_t, void *), void *data);

// Whether the dynamic linker has written into the object's code.
static inline int novatune_has_relocated_text(const struct novatune_loaded_object *object) {
    for (int index = 0; index < object->segment_count; index++) {
        const ElfW(Phdr) *segment = &object->segments[index];
        if (segment->p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->address + segment->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL)) return 1;
        }
    }
    return 0;
}
static inline int novatune_drop_read_only_pages(struct novatune_loaded_object *object, size_t size, void *data) {
    (void)size;
    if (novatune_has_relocated_text(object)) return 0;
    const ElfW(Addr) page = *(const ElfW(Addr) *)data;
    for (int index = 0; index < object->segment_count; index++) {
        const ElfW(Phdr) *segment = &object->segments[index];
        // What the dynamic linker or the program has written is in no file.
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        // Whole pages alone: a neighbour's bytes may be in the first and the last one.
        ElfW(Addr) begin = object->address + segment->p_vaddr;
        ElfW(Addr) first = (begin + page - 1) / page * page, end = (begin + segment->p_memsz) / page * page;
        if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
    }
    return 0;
}
// Drops the pages of the program and its libraries that the process has only read. They are mapped again when they are
// used. Pages of code that a debugger or a preloaded library has changed would lose the change.
static inline void novatune_drop_program_pages(void) {
    ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(novatune_drop_read_only_pages, &page);
}
