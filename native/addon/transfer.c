/* The methods of a NativeSocket that move datagrams. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/socket.h>

#include "handle.h"

static bool read_message(napi_env env, const struct call *call, struct bytes *data,
                         struct bytes *address) {
  *address = (struct bytes){NULL, 0};
  return read_bytes(env, call->arguments[0], "data", data) &&
         (!is_given(env, call->arguments[1]) ||
          read_bytes(env, call->arguments[1], "address", address));
}

static napi_value throw_send(napi_env env, struct failure *why, size_t length) {
  char what[64];
  snprintf(what, sizeof what, "Cannot send a datagram of %zu bytes", length);
  return throw_failure(env, why, what);
}

napi_value socket_send(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes data, address;
  struct failure why;
  if (!begin_open(env, info, &call, "sendto") || !read_message(env, &call, &data, &address))
    return NULL;
  ssize_t sent;
  do
    sent = sendto(call.socket->fd, data.data, data.length, MSG_NOSIGNAL, address.data,
                  (socklen_t)address.length);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return NULL;
  failed(&why, "sendto");
  return throw_send(env, &why, data.length);
}

/* As many as 64 a system call: beyond that the call itself no longer shows in the time. */
static int send_copies(int fd, struct bytes data, struct bytes address, unsigned count) {
  struct iovec content = {data.data, data.length};
  struct mmsghdr copies[64];
  if (count > 64) count = 64;
  for (unsigned i = 0; i < count; i++)
    copies[i] = (struct mmsghdr){.msg_hdr = {.msg_name = address.data,
                                             .msg_namelen = (socklen_t)address.length,
                                             .msg_iov = &content,
                                             .msg_iovlen = 1}};
  int sent;
  do
    sent = sendmmsg(fd, copies, count, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

napi_value socket_send_many(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes data, address;
  struct failure why;
  uint32_t count, total = 0;
  if (!begin_open(env, info, &call, "sendmmsg") || !read_message(env, &call, &data, &address) ||
      !went_well(env, napi_get_value_uint32(env, call.arguments[2], &count)))
    return NULL;
  while (total < count) {
    int sent = send_copies(call.socket->fd, data, address, count - total);
    if (sent > 0) {
      total += (uint32_t)sent;
      continue;
    }
    failed(&why, "sendmmsg");
    /* A full queue is what a flood is for; what went out already is the answer to any other error. */
    if (total > 0 || why.error == EAGAIN || why.error == ENOBUFS) break;
    return throw_send(env, &why, data.length);
  }
  napi_value result;
  return went_well(env, napi_create_uint32(env, total, &result)) ? result : NULL;
}

static napi_value throw_too_large(napi_env env, size_t needed, size_t length) {
  char what[128];
  snprintf(what, sizeof what, "A datagram of %zu bytes was lost in a buffer of %zu", needed, length);
  napi_value number, error = make_failure(env, &(struct failure){EMSGSIZE, "recv"}, what);
  if (error != NULL && went_well(env, napi_create_int64(env, (int64_t)needed, &number)) &&
      went_well(env, napi_set_named_property(env, error, "needed", number)))
    went_well(env, napi_throw(env, error));
  return NULL;
}

napi_value socket_receive(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes buffer;
  struct failure why;
  if (!begin_open(env, info, &call, "recv") ||
      !read_bytes(env, call.arguments[0], "buffer", &buffer))
    return NULL;
  ssize_t length;
  do
    length = recv(call.socket->fd, buffer.data, buffer.length, MSG_TRUNC);
  while (length < 0 && errno == EINTR);
  if (length < 0 && errno != EAGAIN) {
    failed(&why, "recv");
    return throw_failure(env, &why,
                         why.error == ENOBUFS ? "Datagrams were lost, the socket was read too late"
                                              : "Cannot receive from the socket");
  }
  if (length > (ssize_t)buffer.length) return throw_too_large(env, (size_t)length, buffer.length);
  napi_value result;
  return went_well(env, napi_create_int64(env, length, &result)) ? result : NULL;
}
