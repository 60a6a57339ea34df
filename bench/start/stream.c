/*
 * stream SEND_NETNS RECEIVE_NETNS ADDRESS
 *
 * Sends a datagram every millisecond from one network namespace to an IPv4 address in another. For each line of
 * stdin it prints `SENT RECEIVED NANOSECONDS`: of the time since the last line, and the longest time in which
 * none arrived. Ends with stdin.
 *
 * It runs before all ordinary processes, and takes the time of arrival from the kernel: a gap is then one of
 * forwarding, not of a receiver that got no processor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 9, PERIOD_NS = 1000000, SECOND_NS = 1000000000 };

static int64_t sent, received, longest, last_arrival;

static int open_in(const char *netns);
static void run_first(void);
static void arrive(int receiver);
static int64_t stamp_of(struct msghdr *message);
static bool report_if_asked(void);
static int64_t now(clockid_t clock);

int main(int count, char **arguments) {
  if (count != 4) errx(2, "usage: stream SEND_NETNS RECEIVE_NETNS ADDRESS");
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  if (inet_pton(AF_INET, arguments[3], &target.sin_addr) != 1)
    errx(2, "%s is no IPv4 address", arguments[3]);
  int receiver = open_in(arguments[2]);
  int on = 1;
  if (setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      bind(receiver, (struct sockaddr *)&target, sizeof target) != 0)
    err(1, "%s in %s", arguments[3], arguments[2]);
  int sender = open_in(arguments[1]);
  if (connect(sender, (struct sockaddr *)&target, sizeof target) != 0) err(1, "connect");
  run_first();
  last_arrival = now(CLOCK_REALTIME);
  for (int64_t next = now(CLOCK_MONOTONIC); report_if_asked();) {
    struct timespec until = {next / SECOND_NS, next % SECOND_NS};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    if (send(sender, "", 1, 0) == 1) sent++;
    arrive(receiver);
    int64_t time = now(CLOCK_MONOTONIC);
    next = next + PERIOD_NS > time ? next + PERIOD_NS : time + PERIOD_NS;
  }
  return 0;
}

static int open_in(const char *netns) {
  int fd = open(netns, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) err(1, "%s cannot be entered", netns);
  close(fd);
  int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (one < 0) err(1, "socket");
  return one;
}

static void run_first(void) {
  struct sched_param priority = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) warn("sched_setscheduler");
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) warn("mlockall");
}

static void arrive(int receiver) {
  for (;;) {
    char byte;
    char control[128];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(receiver, &message, 0) < 0) return;
    received++;
    int64_t stamp = stamp_of(&message);
    if (stamp - last_arrival > longest) longest = stamp - last_arrival;
    last_arrival = stamp;
  }
}

static int64_t stamp_of(struct msghdr *message) {
  for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one != NULL; one = CMSG_NXTHDR(message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
    return (int64_t)stamp.tv_sec * SECOND_NS + stamp.tv_nsec;
  }
  errx(1, "a datagram without a time");
}

/* Returns false at the end of stdin. A gap that still lasts counts. */
static bool report_if_asked(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  if (poll(&input, 1, 0) <= 0) return true;
  char line[16];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) return false;
  int64_t time = now(CLOCK_REALTIME);
  if (time - last_arrival > longest) longest = time - last_arrival;
  printf("%lld %lld %lld\n", (long long)sent, (long long)received, (long long)longest);
  if (fflush(stdout) != 0) err(1, "stdout");
  sent = received = longest = 0;
  last_arrival = time;
  return true;
}

static int64_t now(clockid_t clock) {
  struct timespec time = {0};
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * SECOND_NS + time.tv_nsec;
}
