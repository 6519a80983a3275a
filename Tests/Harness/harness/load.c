// Asks nginx for stream URLs, either as fast as the answers come or at a fixed rate, and prints what came as one line
// of JSON.
//
// usage: load PORT CONNECTIONS SECONDS RATE TOKENS REQUESTS [once]
//
// TOKENS has a token a line, REQUESTS a line `TRACK USER-NUMBER` for each request, taken in turns; with `once` the end
// of the list ends the run. RATE 0: each connection asks again as soon as it was answered. Else RATE requests a second
// are due, evenly spaced, whether or not the former ones were answered, and latency counts from when a request was due:
// a server that falls behind cannot hide it.
//
// Built by generator.py.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN = 1 << 15, EVENTS = 256, SAMPLES = 1 << 24 };
#define SECOND 1000000000LL

struct list { char **lines; int count; };
struct client { int descriptor, length, is_busy; int64_t due; struct client *next; char in[IN]; };

static int events, port, is_once;
static struct list tokens, requests;
static int position, sample_count, errors;
static int statuses[600];
static uint32_t *samples_us;
static struct client *idle;

static void die(const char *what) { fprintf(stderr, "load: %s: %s\n", what, strerror(errno)); exit(1); }

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static struct list read_lines(const char *path) {
    struct list list = {0};
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    if (!file) die(path);
    for (ssize_t length; (length = getline(&line, &capacity, file)) > 0; list.count++) {
        if (!(list.count & (list.count - 1))) list.lines = realloc(list.lines, sizeof *list.lines * (list.count ? list.count * 2 : 1));
        line[strcspn(line, "\n")] = 0;
        list.lines[list.count] = strdup(line);
    }
    fclose(file);
    if (!list.count) { errno = ENODATA; die(path); }
    return list;
}

static void open_connection(struct client *client) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    int on = 1;
    client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client->length = 0;
    if (connect(client->descriptor, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(events, EPOLL_CTL_ADD, client->descriptor, &event);
}

static void reopen(struct client *client) {
    close(client->descriptor);
    open_connection(client);
}

static int has_next(void) { return !is_once || position < requests.count; }

static void ask(struct client *client, int64_t due) {
    char text[12000], track[64];
    int user;
    if (sscanf(requests.lines[position++ % requests.count], "%63s %d", track, &user) != 2) die("a request is TRACK USER-NUMBER");
    int length = snprintf(text, sizeof text, "POST /tracks/%s/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
                          "Authorization: Bearer %s\r\n\r\n", track, tokens.lines[user - 1]);
    client->is_busy = 1;
    client->due = due;
    if (send(client->descriptor, text, length, MSG_NOSIGNAL) == length) return;
    // nginx closes a connection after some number of requests.
    reopen(client);
    if (send(client->descriptor, text, length, MSG_NOSIGNAL) != length) die("send");
}

static void rest(struct client *client) {
    client->is_busy = 0;
    client->next = idle;
    idle = client;
}

// Whether the answer is complete.
static int take_answer(struct client *client) {
    char *end, *field;
    client->in[client->length] = 0;
    if (!(end = strstr(client->in, "\r\n\r\n"))) return 0;
    *end = 0;
    field = strcasestr(client->in, "\r\ncontent-length:");
    int whole = end + 4 - client->in + (field ? atoi(field + 17) : 0);
    if (client->length < whole) { *end = '\r'; return 0; }
    int status = atoi(client->in + 9), is_last = strcasestr(client->in, "\r\nconnection: close") != NULL;
    statuses[status < 600 ? status : 0]++;
    int64_t taken_us = (now() - client->due) / 1000;
    if (sample_count < SAMPLES) samples_us[sample_count++] = taken_us < UINT32_MAX ? taken_us : UINT32_MAX;
    client->length = 0;
    if (is_last) reopen(client);
    return 1;
}

static void take_event(struct client *client) {
    ssize_t count = recv(client->descriptor, client->in + client->length, IN - 1 - client->length, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        reopen(client);
        if (client->is_busy) { errors++; rest(client); }
        return;
    }
    client->length += count;
    if (client->is_busy && take_answer(client)) rest(client);
}

static int ascending(const void *a, const void *b) { return (*(uint32_t *)a > *(uint32_t *)b) - (*(uint32_t *)a < *(uint32_t *)b); }

static void report(double seconds, int unanswered) {
    qsort(samples_us, sample_count, sizeof *samples_us, ascending);
    #define AT(share) (sample_count ? samples_us[(int)(sample_count * (share))] : 0)
    printf("{\"requests\": %d, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"errors\": %d, "
           "\"unanswered\": %d, \"statuses\": {", sample_count, seconds, AT(.5) / 1e3, AT(.9) / 1e3, AT(.99) / 1e3,
           sample_count ? samples_us[sample_count - 1] / 1e3 : 0, errors, unanswered);
    const char *comma = "";
    for (int status = 0; status < 600; status++)
        if (statuses[status]) { printf("%s\"%d\": %d", comma, status, statuses[status]); comma = ", "; }
    printf("}}\n");
}

int main(int count, char **arguments) {
    if (count < 7) { fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS RATE TOKENS REQUESTS [once]\n"); return 2; }
    int connections = atoi(arguments[2]);
    double rate = atof(arguments[4]);
    port = atoi(arguments[1]);
    tokens = read_lines(arguments[5]);
    requests = read_lines(arguments[6]);
    is_once = count > 7;
    samples_us = malloc(sizeof *samples_us * (size_t)SAMPLES);
    events = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc(connections, sizeof *clients);
    for (int i = 0; i < connections; i++) { open_connection(&clients[i]); rest(&clients[i]); }

    int64_t start = now(), end = start + (int64_t)(atof(arguments[3]) * SECOND), moment;
    int64_t interval = rate > 0 ? SECOND / rate : 0, due = start;
    while ((moment = now()) < end && (has_next() || sample_count + errors < position)) {
        while (idle && has_next() && (!interval || due <= moment)) {
            struct client *client = idle;
            idle = client->next;
            ask(client, interval ? due : now());
            due += interval;
        }
        int64_t until = interval && idle && due < end ? due : end;
        int64_t left = until > moment ? until - moment : 0;
        struct timespec wait = {left / SECOND, left % SECOND};
        struct epoll_event ready[EVENTS];
        int number = epoll_pwait2(events, ready, EVENTS, &wait, NULL);
        for (int i = 0; i < number; i++) take_event(ready[i].data.ptr);
    }
    report((now() - start) / 1e9, position - sample_count - errors);
    return 0;
}
