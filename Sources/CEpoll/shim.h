#pragma once
// Swift's Glibc module leaves out epoll(7).
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

// glibc declares it for _GNU_SOURCE only, which the Swift compiler does not define. Its header is not included here: it
// belongs to Swift's Glibc module, and a header that two modules include is visible to the importer of one of them
// only.
struct sockaddr;
int accept4(int socket, struct sockaddr *address, unsigned int *length, int flags);

// ioctl is variadic, which Swift does not import. Returns the bytes that the peer has not taken yet (unix(7), tcp(7));
// -1 where unknown.
static inline int novatune_unsent_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : -1;
}
