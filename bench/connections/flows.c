/*
 * flows tcp|udp|established CLIENT_NETNS SERVER_NETNS CLIENT SERVER PORT BATCHES FLOWS
 *
 * Opens new flows from the address CLIENT in one network namespace to SERVER in another, and prints
 * for each batch how many came through and what one of them took: `ARRIVED NANOSECONDS` a line.
 *
 * Both ends live in this one thread, which stays on one processor: the kernel forwards a packet
 * between veths within the system call that sends it, so that no scheduler comes between, and what
 * is measured is the work of the kernel. Told is the processor's time, which other programs on the
 * same processor are no part of.
 *
 * tcp: connect, accept, the client closes, the server reads the end and resets. The reset spares
 *      the client a minute of TIME_WAIT, whose entries would slow later connections.
 * udp: datagrams of one byte, each from a source port of its own; only sending is timed.
 * established: the same, but all in one flow, which was answered before.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
  FIRST_SOURCE_PORT = 1024,
  PORTS = 65536,
  WAIT_MS = 200,
  BACKLOG = 16,
  RECEIVE_BYTES = 16 << 20,
};

struct datagram {
  struct iphdr ip;
  struct udphdr udp;
  char payload;
} __attribute__((packed));

struct batch {
  long arrived;
  int64_t nanoseconds;
};

typedef struct batch batch_function(int server, const struct sockaddr_in *from,
                                    const struct sockaddr_in *to, long flows);

static batch_function *batch_function_of(const char *traffic);
static batch_function connect_batch;
static batch_function send_batch;
static batch_function repeat_batch;
static int listen_in(const char *netns, int type, const struct sockaddr_in *at);
static void enter_namespace(const char *path);
static void stay_on_one_processor(void);
static int open_client(const struct sockaddr_in *from);
static void shut_both(int client, int accepted);
static int open_answered(int server, const struct sockaddr_in *from, const struct sockaddr_in *to);
static int open_raw(void);
static struct datagram datagram_of(const struct sockaddr_in *from, const struct sockaddr_in *to);
static long drain(int server, long flows);
static struct sockaddr_in address_of(const char *text, const char *port);
static long number_of(const char *text);
static int64_t now(void);

int main(int count, char **arguments) {
  if (count != 9)
    errx(2, "usage: flows tcp|udp|established CLIENT_NETNS SERVER_NETNS CLIENT SERVER PORT BATCHES "
            "FLOWS");
  batch_function *take_batch = batch_function_of(arguments[1]);
  int type = take_batch == connect_batch ? SOCK_STREAM : SOCK_DGRAM;
  struct sockaddr_in from = address_of(arguments[4], "0");
  struct sockaddr_in to = address_of(arguments[5], arguments[6]);
  long batches = number_of(arguments[7]);
  long flows = number_of(arguments[8]);
  stay_on_one_processor();
  int server = listen_in(arguments[3], type, &to);
  enter_namespace(arguments[2]);
  for (long i = 0; i < batches; i++) {
    struct batch batch = take_batch(server, &from, &to, flows);
    printf("%ld %lld\n", batch.arrived, (long long)(batch.nanoseconds / flows));
  }
  return fflush(stdout) == 0 ? 0 : 1;
}

static batch_function *batch_function_of(const char *traffic) {
  if (strcmp(traffic, "tcp") == 0) return connect_batch;
  if (strcmp(traffic, "udp") == 0) return send_batch;
  if (strcmp(traffic, "established") == 0) return repeat_batch;
  errx(2, "There is no traffic %s: there are tcp, udp and established", traffic);
}

static struct batch connect_batch(int server, const struct sockaddr_in *from,
                                  const struct sockaddr_in *to, long flows) {
  struct batch batch = {0};
  int64_t began = now();
  for (long i = 0; i < flows; i++) {
    int client = open_client(from);
    if (connect(client, (const struct sockaddr *)to, sizeof *to) != 0) {
      if (errno != EINPROGRESS && errno != ECONNREFUSED) err(1, "connect");
      close(client);
      continue;
    }
    int accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (accepted < 0) err(1, "accept");
    shut_both(client, accepted);
    batch.arrived++;
  }
  batch.nanoseconds = now() - began;
  return batch;
}

/* Any port: an address is bound, and the kernel chooses the port when it connects. */
static int open_client(const struct sockaddr_in *from) {
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client < 0) err(1, "socket");
  const int on = 1;
  const struct timeval patience = {.tv_usec = WAIT_MS * 1000};
  if (setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
      setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      bind(client, (const struct sockaddr *)from, sizeof *from) != 0)
    err(1, "a client socket");
  return client;
}

static void shut_both(int client, int accepted) {
  const struct linger reset = {.l_onoff = 1};
  char byte;
  if (close(client) != 0 || read(accepted, &byte, 1) != 0 ||
      setsockopt(accepted, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
      close(accepted) != 0)
    err(1, "the end of a connection");
}

static struct batch send_batch(int server, const struct sockaddr_in *from,
                               const struct sockaddr_in *to, long flows) {
  static int raw = -1;
  static long source_port = FIRST_SOURCE_PORT;
  if (raw < 0) raw = open_raw();
  struct datagram datagram = datagram_of(from, to);
  struct batch batch = {0};
  int64_t began = now();
  for (long i = 0; i < flows; i++) {
    if (source_port == PORTS) errx(1, "more flows than source ports");
    datagram.udp.source = htons((uint16_t)source_port++);
    if (sendto(raw, &datagram, sizeof datagram, 0, (const struct sockaddr *)to, sizeof *to) < 0)
      err(1, "sendto");
  }
  batch.nanoseconds = now() - began;
  batch.arrived = drain(server, flows);
  return batch;
}

static struct batch repeat_batch(int server, const struct sockaddr_in *from,
                                 const struct sockaddr_in *to, long flows) {
  static int client = -1;
  if (client < 0) client = open_answered(server, from, to);
  const char byte = 0;
  struct batch batch = {0};
  int64_t began = now();
  for (long i = 0; i < flows; i++)
    if (send(client, &byte, 1, 0) != 1) err(1, "send");
  batch.nanoseconds = now() - began;
  batch.arrived = drain(server, flows);
  return batch;
}

/* Connection tracking calls a flow established once both sides have sent. */
static int open_answered(int server, const struct sockaddr_in *from, const struct sockaddr_in *to) {
  int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in sender;
  socklen_t length = sizeof sender;
  char byte = 0;
  if (client < 0 || bind(client, (const struct sockaddr *)from, sizeof *from) != 0 ||
      connect(client, (const struct sockaddr *)to, sizeof *to) != 0 ||
      send(client, &byte, 1, 0) != 1 ||
      recvfrom(server, &byte, 1, 0, (struct sockaddr *)&sender, &length) != 1 ||
      sendto(server, &byte, 1, 0, (struct sockaddr *)&sender, length) != 1 ||
      recv(client, &byte, 1, 0) != 1)
    err(1, "a flow and its answer");
  return client;
}

static int open_raw(void) {
  int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (raw < 0) err(1, "a raw socket");
  return raw;
}

/* ip(7): the kernel fills in checksum, total length and identification; UDP needs no checksum. */
static struct datagram datagram_of(const struct sockaddr_in *from, const struct sockaddr_in *to) {
  return (struct datagram){
      .ip = {.version = 4,
             .ihl = sizeof(struct iphdr) / 4,
             .ttl = 64,
             .protocol = IPPROTO_UDP,
             .saddr = from->sin_addr.s_addr,
             .daddr = to->sin_addr.s_addr},
      .udp = {.dest = to->sin_port, .len = htons(sizeof(struct udphdr) + 1)},
  };
}

/* Datagrams may still be on their way where something else used this processor meanwhile. */
static long drain(int server, long flows) {
  long arrived = 0;
  struct pollfd readable = {.fd = server, .events = POLLIN};
  while (arrived < flows && poll(&readable, 1, WAIT_MS) > 0) {
    char byte;
    while (arrived < flows && recv(server, &byte, 1, MSG_DONTWAIT) >= 0) arrived++;
  }
  return arrived;
}

static int listen_in(const char *netns, int type, const struct sockaddr_in *at) {
  enter_namespace(netns);
  int server = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  const int bytes = RECEIVE_BYTES;
  if (server < 0 || setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(server, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 ||
      bind(server, (const struct sockaddr *)at, sizeof *at) != 0 ||
      (type == SOCK_STREAM && listen(server, BACKLOG) != 0))
    err(1, "the server's socket");
  return server;
}

static void enter_namespace(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0 || close(fd) != 0) err(1, "%s", path);
}

/* The one that it runs on now, for as long as it lives. */
static void stay_on_one_processor(void) {
  int processor = sched_getcpu();
  if (processor < 0) err(1, "sched_getcpu");
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET((size_t)processor, &processors);
  if (sched_setaffinity(0, sizeof processors, &processors) != 0) err(1, "sched_setaffinity");
}

static struct sockaddr_in address_of(const char *text, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) errx(2, "%s is no IPv4 address", text);
  return address;
}

static long number_of(const char *text) {
  char *end;
  long number = strtol(text, &end, 10);
  if (*end != '\0' || number <= 0) errx(2, "%s is no number", text);
  return number;
}

static int64_t now(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
