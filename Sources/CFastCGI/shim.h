#pragma once
#include <fcgiapp.h>
// Waiting for connections, which Swift's Glibc module leaves out.
#include <sys/epoll.h>
#include <sys/eventfd.h>

// glibc declares these for _GNU_SOURCE only, which the Swift compiler does not define. Their headers are not included here: they
// belong to Swift's Glibc module, and a header that two modules include is seen by the importer of one of them only.
struct sockaddr;
int accept4(int socket, struct sockaddr *address, unsigned int *length, int flags);
