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

static inline int novatune_unmap_read_only_segments(
    struct novatune_loaded_object *object, size_t size, void *page_mask) {
    (void)size;
    for (int index = 0; index < object->segment_count; index++) {
        const ElfW(Phdr) *segment = &object->segments[index];
        // What the dynamic linker or the program has written is in no file.
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        ElfW(Addr) begin = object->address + segment->p_vaddr, page = begin & *(ElfW(Addr) *)page_mask;
        madvise((void *)page, begin + segment->p_memsz - page, MADV_DONTNEED);
    }
    return 0;
}
static inline void novatune_unmap_program_pages(void) {
    ElfW(Addr) page_mask = ~((ElfW(Addr))sysconf(_SC_PAGESIZE) - 1);
    dl_iterate_phdr(novatune_unmap_read_only_segments, &page_mask);
}
