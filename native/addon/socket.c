#define _GNU_SOURCE
#include "socket.h"

#include <stdlib.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "open.h"
#include "values.h"
#include "watch.h"

/*
 * Everything here runs on the JavaScript thread that opened the socket, except tell().
 * While the socket is watched its JavaScript object is kept alive through `self`, so this memory
 * outlives every callback: the object's finalizer is what frees it.
 */
struct native_socket {
  int fd; /* -1 once closed */
  bool referenced;
  napi_ref self;
  napi_threadsafe_function readable; /* null unless watched */
  struct watch watch;
};

struct call {
  napi_value self;
  napi_value arguments[3];
  struct native_socket *socket;
};

static napi_value construct(napi_env env, napi_callback_info info);
static napi_value send_one(napi_env env, napi_callback_info info);
static napi_value send_many(napi_env env, napi_callback_info info);
static napi_value receive(napi_env env, napi_callback_info info);
static napi_value on_readable(napi_env env, napi_callback_info info);
static napi_value ref_loop(napi_env env, napi_callback_info info);
static napi_value unref_loop(napi_env env, napi_callback_info info);
static napi_value close_socket(napi_env env, napi_callback_info info);

napi_value define_socket_class(napi_env env) {
#define METHOD(name, function) {name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL}
  const napi_property_descriptor methods[] = {
      METHOD("send", send_one),   METHOD("sendMany", send_many),
      METHOD("receive", receive), METHOD("onReadable", on_readable),
      METHOD("ref", ref_loop),    METHOD("unref", unref_loop),
      METHOD("close", close_socket),
  };
#undef METHOD
  napi_value class;
  if (!went_well(env, napi_define_class(env, "NativeSocket", NAPI_AUTO_LENGTH, construct, NULL,
                                        sizeof methods / sizeof *methods, methods, &class)))
    return NULL;
  return class;
}

static void shut(struct native_socket *socket);
static void finalize(node_api_basic_env env, void *data, void *hint);

static napi_value construct(napi_env env, napi_callback_info info) {
  napi_value target, self, options;
  size_t count = 1;
  if (!went_well(env, napi_get_new_target(env, info, &target))) return NULL;
  if (target == NULL) {
    napi_throw_type_error(env, NULL, "NativeSocket is a class: call it with new.");
    return NULL;
  }
  if (!went_well(env, napi_get_cb_info(env, info, &count, &options, &self, NULL))) return NULL;

  int fd = open_from_options(env, options);
  if (fd < 0) return NULL;
  struct native_socket *socket = calloc(1, sizeof *socket);
  if (socket == NULL) abort(); /* as V8 does when memory is out */
  socket->fd = fd;
  socket->referenced = true;
  if (went_well(env, napi_wrap(env, self, socket, finalize, NULL, &socket->self))) return self;
  close(fd);
  free(socket);
  return NULL;
}

static void finalize(node_api_basic_env env, void *data, void *hint) {
  (void)hint;
  struct native_socket *socket = data;
  shut(socket);
  napi_delete_reference(env, socket->self);
  free(socket);
}

/* Fetches `this` and the arguments; what was not passed is undefined. Throws EBADF when closed. */
static bool enter(napi_env env, napi_callback_info info, struct call *call) {
  size_t count = 3;
  void *data = NULL;
  if (!went_well(env, napi_get_cb_info(env, info, &count, call->arguments, &call->self, NULL)) ||
      !went_well(env, napi_unwrap(env, call->self, &data)))
    return false;
  call->socket = data;
  return true;
}

static bool enter_open(napi_env env, napi_callback_info info, struct call *call,
                       const char *syscall) {
  if (!enter(env, info, call)) return false;
  if (call->socket->fd >= 0) return true;
  throw_failure(env, &(struct failure){EBADF, syscall}, "This socket is closed, open another");
  return false;
}

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

static napi_value send_one(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes data, address;
  struct failure why;
  if (!enter_open(env, info, &call, "sendto") || !read_message(env, &call, &data, &address))
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

static napi_value send_many(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes data, address;
  struct failure why;
  uint32_t count, total = 0;
  if (!enter_open(env, info, &call, "sendmmsg") || !read_message(env, &call, &data, &address) ||
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

static napi_value receive(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes buffer;
  struct failure why;
  if (!enter_open(env, info, &call, "recv") ||
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

static void call_back(napi_env env, napi_value callback, void *context, void *unused);
static void tell(void *context);
static void shut_at_exit(void *data);

static bool start_watching(napi_env env, struct native_socket *socket) {
  struct failure why;
  /* After the function was made: hooks run last to first, so that tell() stops before it is gone. */
  if (!went_well(env, napi_add_env_cleanup_hook(env, shut_at_exit, socket)) ||
      !went_well(env, napi_reference_ref(env, socket->self, NULL)))
    return false;
  socket->watch = (struct watch){.fd = socket->fd, .ready = tell, .context = socket};
  if (watch_start(&socket->watch, &why)) return true;
  throw_failure(env, &why, "Cannot watch the socket");
  return false;
}

static napi_value on_readable(napi_env env, napi_callback_info info) {
  struct call call;
  if (!enter_open(env, info, &call, "epoll_ctl")) return NULL;
  struct native_socket *socket = call.socket;
  if (socket->readable != NULL)
    return throw_failure(env, &(struct failure){EALREADY, "epoll_ctl"},
                         "This socket has its callback, close it and open another");
  napi_value name;
  if (!read_function(env, call.arguments[0], "callback") ||
      !went_well(env, napi_create_string_utf8(env, "sluice.socket", NAPI_AUTO_LENGTH, &name)) ||
      !went_well(env, napi_create_threadsafe_function(env, call.arguments[0], NULL, name, 0, 1,
                                                      NULL, NULL, socket, call_back,
                                                      &socket->readable)))
    return NULL;
  if (!start_watching(env, socket))
    shut(socket);
  else if (!socket->referenced)
    went_well(env, napi_unref_threadsafe_function(env, socket->readable));
  return NULL;
}

/* On the watching thread. */
static void tell(void *context) {
  struct native_socket *socket = context;
  napi_status status = napi_call_threadsafe_function(socket->readable, NULL, napi_tsfn_nonblocking);
  /* Closing: Node has taken the function back and it must not be touched again. */
  if (status == napi_closing) socket->readable = NULL;
}

static void call_back(napi_env env, napi_value callback, void *context, void *unused) {
  (void)unused;
  if (env == NULL) return; /* the environment is going down, `context` may be gone */
  struct native_socket *socket = context;
  struct failure why;
  napi_value self; /* holds on to the object, should the callback close it and garbage be collected */
  if (!went_well(env, napi_get_reference_value(env, socket->self, &self))) return;
  /* An exception of the callback stays pending: Node makes it an uncaught one. */
  napi_status status = napi_call_function(env, self, callback, 0, NULL, NULL);
  if (socket->fd >= 0 && !watch_again(&socket->watch, &why))
    throw_failure(env, &why, "Cannot watch the socket any longer");
  else
    went_well(env, status);
}

static napi_value ref_loop(napi_env env, napi_callback_info info) {
  struct call call;
  if (!enter(env, info, &call)) return NULL;
  call.socket->referenced = true;
  if (call.socket->readable != NULL)
    went_well(env, napi_ref_threadsafe_function(env, call.socket->readable));
  return NULL;
}

static napi_value unref_loop(napi_env env, napi_callback_info info) {
  struct call call;
  if (!enter(env, info, &call)) return NULL;
  call.socket->referenced = false;
  if (call.socket->readable != NULL)
    went_well(env, napi_unref_threadsafe_function(env, call.socket->readable));
  return NULL;
}

static napi_value close_socket(napi_env env, napi_callback_info info) {
  struct call call;
  if (!enter(env, info, &call)) return NULL;
  bool watched = call.socket->fd >= 0 && call.socket->readable != NULL;
  shut(call.socket);
  if (watched) {
    went_well(env, napi_remove_env_cleanup_hook(env, shut_at_exit, call.socket));
    went_well(env, napi_reference_unref(env, call.socket->self, NULL));
  }
  return NULL;
}

static void shut_at_exit(void *data) { shut(data); }

static void shut(struct native_socket *socket) {
  if (socket->fd < 0) return;
  watch_stop(&socket->watch);
  if (socket->readable != NULL)
    napi_release_threadsafe_function(socket->readable, napi_tsfn_abort);
  socket->readable = NULL;
  close(socket->fd);
  socket->fd = -1;
}
