/*
 * requests serve NETNS PORT
 * requests ask NETNS ADDRESS PORT COUNT
 *
 * One byte there and one back, over one TCP connection, in a network namespace: what netperf calls
 * TCP_RR. `ask` prints how many nanoseconds each of COUNT exchanges took, a line each, after some
 * that are not counted. `serve` answers one connection after the other until it is killed, and
 * prints a line when it listens.
 *
 * `ask` runs on the first processor and `serve` on the second, where there are two, so that the
 * scheduler's choices are no part of what is measured.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 200, COUNT_MAX = 1000000 };

static void enter_namespace(const char *path);
static void keep_to_processor(int processor);
static void serve(const char *port);
static void answer(int connection);
static void ask(const char *address, const char *port, int count);
static int connect_to(const char *address, const char *port);
static void exchange(int connection);
static void do_not_wait(int connection);
static int64_t now(void);

int main(int count, char **arguments) {
  bool serves = count == 4 && strcmp(arguments[1], "serve") == 0;
  bool asks = count == 6 && strcmp(arguments[1], "ask") == 0;
  if (!serves && !asks) errx(2, "usage: requests serve NETNS PORT | ask NETNS ADDRESS PORT COUNT");
  enter_namespace(arguments[2]);
  keep_to_processor(serves ? 1 : 0);
  if (serves) serve(arguments[3]);
  ask(arguments[3], arguments[4], atoi(arguments[5]));
  return fflush(stdout) == 0 ? 0 : 1;
}

static void enter_namespace(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) err(1, "%s cannot be entered", path);
  close(fd);
}

static void keep_to_processor(int processor) {
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) err(1, "processor %d", processor);
}

/* On the IPv6 wildcard, which takes IPv4 as well. */
static void serve(const char *port) {
  int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
  if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
      listen(listener, 16) != 0)
    err(1, "port %s", port);
  puts("listening");
  if (fflush(stdout) != 0) err(1, "stdout");
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) err(1, "accept");
    answer(connection);
    close(connection);
  }
}

/* Until the other side ends it, in whichever way. */
static void answer(int connection) {
  char byte;
  do_not_wait(connection);
  while (recv(connection, &byte, 1, 0) == 1)
    if (send(connection, &byte, 1, MSG_NOSIGNAL) != 1) return;
}

static void ask(const char *address, const char *port, int count) {
  static int64_t taken[COUNT_MAX];
  if (count < 1 || count > COUNT_MAX) errx(2, "COUNT must be 1 to %d", COUNT_MAX);
  int connection = connect_to(address, port);
  do_not_wait(connection);
  for (int i = 0; i < WARM_UP; i++) exchange(connection);
  for (int i = 0; i < count; i++) {
    int64_t began = now();
    exchange(connection);
    taken[i] = now() - began;
  }
  for (int i = 0; i < count; i++) printf("%lld\n", (long long)taken[i]);
}

static int connect_to(const char *address, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
  struct addrinfo *found;
  int problem = getaddrinfo(address, port, &hints, &found);
  if (problem != 0) errx(1, "%s: %s", address, gai_strerror(problem));
  int connection = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, found->ai_addr, found->ai_addrlen) != 0)
    err(1, "%s port %s cannot be reached", address, port);
  freeaddrinfo(found);
  return connection;
}

static void exchange(int connection) {
  char byte = 'r';
  if (send(connection, &byte, 1, MSG_NOSIGNAL) != 1 || recv(connection, &byte, 1, 0) != 1)
    err(1, "the connection was lost");
}

static void do_not_wait(int connection) {
  int on = 1;
  if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) err(1, "TCP_NODELAY");
}

static int64_t now(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
