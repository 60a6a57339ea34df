#define _GNU_SOURCE
#include "agent-thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../cni/request.h"
#include "../test/check.h"

/* The thread has all of this from a connection until it posts, the harness the rest of the time. */
static struct {
  const unsigned char *answer;
  size_t answer_length, read_at_most;
  struct heard heard;
  sem_t done;
} state;

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void *serve(void *argument);
static bool take(int client);
static bool read_until(int client, size_t length);
static size_t request_length(void);
static void give(int client);

const char *agent_thread_start(const char *folder) {
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/agent", folder);
  CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(listen(listener, 4) == 0 && sem_init(&state.done, 0, 0) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, serve, (void *)(long)listener) == 0);
  return address.sun_path;
}

void agent_thread_answers(const unsigned char *answer, size_t length, size_t read_at_most) {
  state.answer = answer;
  state.answer_length = length;
  state.read_at_most = read_at_most;
  state.heard.asked = false;
  state.heard.length = 0;
}

/* By a connection of its own, which says nothing: those before it have been served by then. */
const struct heard *agent_thread_heard(void) {
  int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(client >= 0 && connect(client, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(shutdown(client, SHUT_WR) == 0 && sem_wait(&state.done) == 0 && close(client) == 0);
  return &state.heard;
}

static void *serve(void *argument) {
  for (;;) {
    int client = accept4((int)(long)argument, NULL, NULL, SOCK_CLOEXEC);
    CHECK(client >= 0);
    bool asked = take(client);
    state.heard.asked |= asked;
    if (asked) give(client);
    close(client);
    if (!asked) sem_post(&state.done);
  }
}

/* False: the one that says nothing. */
static bool take(int client) {
  unsigned char first;
  if (recv(client, &first, 1, MSG_PEEK) <= 0) return false;
  if (read_until(client, HEADER_BYTES)) read_until(client, request_length());
  return true;
}

static bool read_until(int client, size_t length) {
  struct heard *heard = &state.heard;
  if (length > sizeof heard->bytes) length = sizeof heard->bytes;
  if (length > state.read_at_most) length = state.read_at_most;
  while (heard->length < length) {
    ssize_t count = recv(client, heard->bytes + heard->length, length - heard->length, 0);
    if (count <= 0) return false;
    heard->length += (size_t)count;
  }
  return heard->length >= HEADER_BYTES;
}

static size_t request_length(void) {
  const unsigned char *bytes = state.heard.bytes;
  return (size_t)HEADER_BYTES + frame_read_u32(bytes + 4) + frame_read_u32(bytes + 8);
}

static void give(int client) {
  size_t sent = 0;
  while (sent < state.answer_length) {
    ssize_t count = send(client, state.answer + sent, state.answer_length - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += (size_t)count;
  }
}
