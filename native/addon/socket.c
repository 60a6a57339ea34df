#define _GNU_SOURCE
#include "socket.h"

#include <stdlib.h>
#include <unistd.h>

#include "handle.h"
#include "open.h"

static napi_value construct(napi_env env, napi_callback_info info);
static void finalize(node_api_basic_env env, void *data, void *hint);

napi_value define_socket_class(napi_env env) {
#define METHOD(name, function) {name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL}
  const napi_property_descriptor methods[] = {
      METHOD("send", socket_send),
      METHOD("sendMany", socket_send_many),
      METHOD("receive", socket_receive),
      METHOD("exchange", socket_exchange),
      METHOD("onReadable", socket_on_readable),
      METHOD("ref", socket_ref),
      METHOD("unref", socket_unref),
      METHOD("close", socket_close),
  };
#undef METHOD
  napi_value class;
  if (!went_well(env, napi_define_class(env, "NativeSocket", NAPI_AUTO_LENGTH, construct, NULL,
                                        sizeof methods / sizeof *methods, methods, &class)))
    return NULL;
  return class;
}

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

bool begin(napi_env env, napi_callback_info info, struct call *call) {
  size_t count = 3;
  void *data = NULL;
  if (!went_well(env, napi_get_cb_info(env, info, &count, call->arguments, &call->self, NULL)) ||
      !went_well(env, napi_unwrap(env, call->self, &data)))
    return false;
  call->socket = data;
  return true;
}

bool begin_open(napi_env env, napi_callback_info info, struct call *call,
                       const char *syscall) {
  if (!begin(env, info, call)) return false;
  if (call->socket->fd >= 0) return true;
  throw_failure(env, &(struct failure){EBADF, syscall}, "This socket is closed, open another");
  return false;
}

void shut(struct native_socket *socket) {
  if (socket->fd < 0) return;
  watch_stop(&socket->watch);
  if (socket->readable != NULL)
    napi_release_threadsafe_function(socket->readable, napi_tsfn_abort);
  socket->readable = NULL;
  close(socket->fd);
  socket->fd = -1;
}
