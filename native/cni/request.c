#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The variables that the CNI specification gives a plugin; no others reach the agent. */
static const char *const variables[] = {
    "CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH",
};

static const char *const versions[] = {"0.3.1", "0.4.0", "1.0.0", "1.1.0"};
static const char newest[] = "1.1.0";

static bool add_environment(struct request *request);
static bool append(struct request *request, const void *bytes, size_t length);
static enum request_status add_stdin(struct request *request, int input);
static size_t skip_space(const char *text, size_t at, size_t length);

enum request_status request_read(struct request *request, int input) {
  request->environment_length = 0;
  request->stdin_length = 0;
  if (!add_environment(request)) return ENVIRONMENT_TOO_LARGE;
  enum request_status status = add_stdin(request, input);
  if (status != REQUEST_READ) return status;

  memcpy(request->frame, FRAME_MAGIC, 4);
  frame_write_u32(request->frame + 4, (uint32_t)request->environment_length);
  frame_write_u32(request->frame + 8, (uint32_t)request->stdin_length);
  request->length = HEADER_BYTES + request->environment_length + request->stdin_length;
  return REQUEST_READ;
}

static bool add_environment(struct request *request) {
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value == NULL) continue;
    if (!append(request, variables[i], strlen(variables[i])) || !append(request, "=", 1) ||
        !append(request, value, strlen(value) + 1))
      return false;
  }
  return true;
}

static bool append(struct request *request, const void *bytes, size_t length) {
  if (length > ENVIRONMENT_MAX - request->environment_length) return false;
  memcpy(request->frame + HEADER_BYTES + request->environment_length, bytes, length);
  request->environment_length += length;
  return true;
}

static enum request_status add_stdin(struct request *request, int input) {
  unsigned char *start = request->frame + HEADER_BYTES + request->environment_length;
  if (isatty(input)) return REQUEST_READ; /* somebody runs it by hand: tell them, do not wait */
  while (request->stdin_length <= STDIN_MAX) {
    ssize_t count =
        read(input, start + request->stdin_length, STDIN_MAX + 1 - request->stdin_length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return STDIN_FAILED;
    if (count == 0) return REQUEST_READ;
    request->stdin_length += (size_t)count;
  }
  return STDIN_TOO_LARGE;
}

/*
 * Not a JSON parser: it looks for the first "cniVersion", and takes what follows only if that is
 * letter by letter a version that we speak. The worst that odd input gets is our newest version.
 */
const char *request_version(const struct request *request) {
  static const char key[] = "\"cniVersion\"";
  const char *text = (const char *)request->frame + HEADER_BYTES + request->environment_length;
  size_t length = request->stdin_length > STDIN_MAX ? STDIN_MAX : request->stdin_length;
  const char *found = memmem(text, length, key, sizeof key - 1);
  if (found == NULL) return newest;

  size_t at = skip_space(text, (size_t)(found - text) + sizeof key - 1, length);
  if (at == length || text[at] != ':') return newest;
  at = skip_space(text, at + 1, length);
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    size_t size = strlen(versions[i]);
    if (length - at >= size + 2 && text[at] == '"' && text[at + size + 1] == '"' &&
        memcmp(text + at + 1, versions[i], size) == 0)
      return versions[i];
  }
  return newest;
}

static size_t skip_space(const char *text, size_t at, size_t length) {
  while (at < length && memchr(" \t\r\n", text[at], 4) != NULL) at++;
  return at;
}

void frame_write_u32(unsigned char *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (8 * i));
}

uint32_t frame_read_u32(const unsigned char *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
