#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  int64_t deadline_ms; /* of the whole exchange, so that an answer in drops ends as well */
};

static const char *converse(struct connection *connection, const char *path,
                            const struct request *request, struct reply *reply);
static bool connect_to(struct connection *connection, const char *path);
static bool send_all(struct connection *connection, const unsigned char *bytes, size_t length);
static bool read_reply(struct connection *connection, struct reply *reply);
static bool receive_all(struct connection *connection, unsigned char *bytes, size_t length);
static bool limit_wait(const struct connection *connection, int option);
static int64_t now_ms(void);

const char *agent_ask(const char *path, const struct request *request, int wait_ms,
                      struct reply *reply) {
  struct connection connection = {.deadline_ms = now_ms() + wait_ms};
  connection.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return "opening a socket for";
  const char *failure = converse(&connection, path, request, reply);
  int reason = errno;
  close(connection.fd);
  errno = reason;
  return failure;
}

static const char *converse(struct connection *connection, const char *path,
                            const struct request *request, struct reply *reply) {
  if (!connect_to(connection, path)) return "connecting to";
  if (!send_all(connection, request->frame, request->length)) return "sending the request to";
  if (!read_reply(connection, reply)) return "reading the reply of";
  return NULL;
}

static bool connect_to(struct connection *connection, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address.sun_path, path, length);
  /* On a unix socket the send time-out bounds connect() too, which waits while the queue is full. */
  return limit_wait(connection, SO_SNDTIMEO) &&
         connect(connection->fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static bool send_all(struct connection *connection, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    if (!limit_wait(connection, SO_SNDTIMEO)) return false;
    ssize_t count = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool read_reply(struct connection *connection, struct reply *reply) {
  unsigned char header[HEADER_BYTES];
  if (!receive_all(connection, header, sizeof header)) return false;
  reply->exit_code = frame_read_u32(header + 4);
  reply->length = frame_read_u32(header + 8);
  if (memcmp(header, FRAME_MAGIC, 4) != 0 || reply->length > BODY_MAX) {
    errno = EBADMSG;
    return false;
  }
  return receive_all(connection, reply->body, reply->length);
}

static bool receive_all(struct connection *connection, unsigned char *bytes, size_t length) {
  while (length > 0) {
    if (!limit_wait(connection, SO_RCVTIMEO)) return false;
    ssize_t count = recv(connection->fd, bytes, length, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ECONNRESET; /* it hung up half way, which is as good as no answer */
    if (count <= 0) return false;
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool limit_wait(const struct connection *connection, int option) {
  int64_t left_ms = connection->deadline_ms - now_ms();
  if (left_ms <= 0) {
    errno = ETIMEDOUT;
    return false;
  }
  struct timeval wait = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
  return setsockopt(connection->fd, SOL_SOCKET, option, &wait, sizeof wait) == 0;
}

static int64_t now_ms(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
