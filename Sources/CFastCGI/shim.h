#pragma once
#include <fcgiapp.h>
// Waiting for connections and threads, which Swift's Glibc module leaves out.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// These are declared by glibc for _GNU_SOURCE only, which the Swift compiler does not define.
int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);
