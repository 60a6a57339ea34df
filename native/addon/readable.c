/* The methods of a NativeSocket that tie it to the event loop, and the one that ends that. */
#define _GNU_SOURCE
#include "handle.h"

static bool start_watching(napi_env env, struct native_socket *socket);
static void call_back(napi_env env, napi_value callback, void *context, void *unused);
static void tell(void *context);
static void unwatch_and_shut(napi_env env, struct native_socket *socket);
static void shut_at_exit(void *data);

napi_value socket_on_readable(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin_open(env, info, &call, "epoll_ctl")) return NULL;
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
    unwatch_and_shut(env, socket);
  else if (!socket->referenced)
    went_well(env, napi_unref_threadsafe_function(env, socket->readable));
  return NULL;
}

static bool start_watching(napi_env env, struct native_socket *socket) {
  struct failure why;
  /* Once the function is made: hooks run last to first, so that tell() stops before it is gone. */
  if (!went_well(env, napi_add_env_cleanup_hook(env, shut_at_exit, socket)) ||
      !went_well(env, napi_reference_ref(env, socket->self, NULL)))
    return false;
  socket->watch = (struct watch){.fd = socket->fd, .ready = tell, .context = socket};
  if (watch_start(&socket->watch, &why)) return true;
  throw_failure(env, &why, "Cannot watch the socket");
  return false;
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

napi_value socket_ref(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin(env, info, &call)) return NULL;
  call.socket->referenced = true;
  if (call.socket->readable != NULL)
    went_well(env, napi_ref_threadsafe_function(env, call.socket->readable));
  return NULL;
}

napi_value socket_unref(napi_env env, napi_callback_info info) {
  struct call call;
  if (!begin(env, info, &call)) return NULL;
  call.socket->referenced = false;
  if (call.socket->readable != NULL)
    went_well(env, napi_unref_threadsafe_function(env, call.socket->readable));
  return NULL;
}

napi_value socket_close(napi_env env, napi_callback_info info) {
  struct call call;
  if (begin(env, info, &call)) unwatch_and_shut(env, call.socket);
  return NULL;
}

static void unwatch_and_shut(napi_env env, struct native_socket *socket) {
  bool watched = socket->readable != NULL;
  shut(socket);
  if (!watched) return;
  /* Either may not have come about, if it was start_watching() that failed. */
  (void)napi_remove_env_cleanup_hook(env, shut_at_exit, socket);
  (void)napi_reference_unref(env, socket->self, NULL);
}

static void shut_at_exit(void *data) { shut(data); }
