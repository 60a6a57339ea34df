#define _GNU_SOURCE
#include "open.h"

#include <linux/filter.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespace.h"
#include "values.h"

static int open_socket(napi_env env, napi_value options);
static bool configure(napi_env env, napi_value options, int fd);
static bool size_buffer(napi_env env, napi_value options, const char *key, int fd, int forced,
                        int plain);
static bool set_options(napi_env env, napi_value options, int fd);
static bool set_option(napi_env env, napi_value option, int fd);
static bool set_to(napi_env env, int fd, int level, int name, const void *value, size_t length);
static bool attach_filter(napi_env env, napi_value options, int fd);
static bool bind_to(napi_env env, napi_value options, int fd);
static bool get(napi_env env, napi_value object, const char *key, napi_value *value);
static bool get_int(napi_env env, napi_value object, const char *key, int *number);

int open_from_options(napi_env env, napi_value options) {
  int fd = open_socket(env, options);
  if (fd < 0 || configure(env, options, fd)) return fd;
  close(fd);
  return -1;
}

static int open_socket(napi_env env, napi_value options) {
  int domain, type, protocol, fd = -1;
  napi_value netns;
  if (!get_int(env, options, "domain", &domain) || !get_int(env, options, "type", &type) ||
      !get_int(env, options, "protocol", &protocol) || !get(env, options, "netns", &netns))
    return -1;

  char path[TEXT_BYTES];
  bool elsewhere = is_given(env, netns);
  if (elsewhere && !read_text(env, netns, "netns", path)) return -1;
  struct failure why;
  if (namespace_socket(elsewhere ? path : NULL, domain, type, protocol, &fd, &why)) return fd;

  char what[TEXT_BYTES + 128];
  snprintf(what, sizeof what, "Cannot open a socket of domain %d, type %d, protocol %d%s%s", domain,
           type, protocol, elsewhere ? " in the network namespace " : "", elsewhere ? path : "");
  throw_failure(env, &why, what);
  return -1;
}

static bool configure(napi_env env, napi_value options, int fd) {
  /*
   * The filter before anything can come. Options last: to bind a netlink socket takes it out of the groups that it
   * had joined before.
   */
  return size_buffer(env, options, "sendBufferBytes", fd, SO_SNDBUFFORCE, SO_SNDBUF) &&
         size_buffer(env, options, "receiveBufferBytes", fd, SO_RCVBUFFORCE, SO_RCVBUF) &&
         attach_filter(env, options, fd) && bind_to(env, options, fd) &&
         set_options(env, options, fd);
}

static bool size_buffer(napi_env env, napi_value options, const char *key, int fd, int forced,
                        int plain) {
  napi_value value;
  int bytes;
  if (!get(env, options, key, &value)) return false;
  if (!is_given(env, value)) return true;
  if (!read_int(env, value, key, &bytes)) return false;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return true;
  /* Without CAP_NET_ADMIN the size is capped by net.core.[rw]mem_max, which is better than none. */
  return set_to(env, fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

static bool set_options(napi_env env, napi_value options, int fd) {
  napi_value list, option;
  uint32_t count;
  if (!get(env, options, "options", &list)) return false;
  if (!is_given(env, list)) return true;
  if (!went_well(env, napi_get_array_length(env, list, &count))) return false;
  for (uint32_t i = 0; i < count; i++)
    if (!went_well(env, napi_get_element(env, list, i, &option)) || !set_option(env, option, fd))
      return false;
  return true;
}

static bool set_option(napi_env env, napi_value option, int fd) {
  napi_value parts[3];
  int level, name, number;
  for (uint32_t i = 0; i < 3; i++)
    if (!went_well(env, napi_get_element(env, option, i, &parts[i]))) return false;
  if (!read_int(env, parts[0], "The level of a socket option", &level) ||
      !read_int(env, parts[1], "The name of a socket option", &name))
    return false;

  napi_valuetype type;
  if (!went_well(env, napi_typeof(env, parts[2], &type))) return false;
  if (type == napi_number) {
    if (!read_int(env, parts[2], "The value of a socket option", &number)) return false;
    return set_to(env, fd, level, name, &number, sizeof number);
  }
  struct bytes bytes;
  if (!read_bytes(env, parts[2], "The value of a socket option", &bytes)) return false;
  return set_to(env, fd, level, name, bytes.data, bytes.length);
}

static bool set_to(napi_env env, int fd, int level, int name, const void *value, size_t length) {
  struct failure why;
  char what[96];
  if (setsockopt(fd, level, name, value, (socklen_t)length) == 0) return true;
  failed(&why, "setsockopt");
  snprintf(what, sizeof what, "Cannot set socket option %d of level %d", name, level);
  throw_failure(env, &why, what);
  return false;
}

static bool attach_filter(napi_env env, napi_value options, int fd) {
  napi_value value;
  struct bytes program;
  struct failure why;
  if (!get(env, options, "filter", &value)) return false;
  if (!is_given(env, value)) return true;
  if (!read_bytes(env, value, "filter", &program)) return false;
  size_t count = program.length / sizeof(struct sock_filter);
  struct sock_fprog filter = {.len = (unsigned short)count, .filter = program.data};
  errno = EINVAL;
  if (count <= BPF_MAXINSNS && program.length % sizeof(struct sock_filter) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0)
    return true;
  failed(&why, "setsockopt");
  throw_failure(env, &why, "Cannot attach a filter to the socket");
  return false;
}

static bool bind_to(napi_env env, napi_value options, int fd) {
  napi_value value;
  struct bytes address;
  struct failure why;
  if (!get(env, options, "bind", &value)) return false;
  if (!is_given(env, value)) return true;
  if (!read_bytes(env, value, "bind", &address)) return false;
  if (bind(fd, address.data, (socklen_t)address.length) == 0) return true;
  failed(&why, "bind");
  throw_failure(env, &why, "Cannot bind the socket to its address");
  return false;
}

static bool get(napi_env env, napi_value object, const char *key, napi_value *value) {
  return went_well(env, napi_get_named_property(env, object, key, value));
}

static bool get_int(napi_env env, napi_value object, const char *key, int *number) {
  napi_value value;
  return get(env, object, key, &value) && read_int(env, value, key, number);
}
