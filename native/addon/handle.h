/* What the methods of a NativeSocket share: the memory behind the object, and how a call begins. */
#ifndef SLUICE_HANDLE_H
#define SLUICE_HANDLE_H

#include <node_api.h>

#include "values.h"
#include "watch.h"

/*
 * Touched by the JavaScript thread that opened the socket, and by no other. While the socket is
 * watched its object is kept alive through `self`, so this memory outlives every callback: the
 * object's finalizer is what frees it.
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
  napi_value arguments[3]; /* what was not passed is undefined */
  struct native_socket *socket;
};

/* Begins a method. False: threw, since `this` is no socket, or (begin_open) is closed: EBADF. */
bool begin(napi_env env, napi_callback_info info, struct call *call);
bool begin_open(napi_env env, napi_callback_info info, struct call *call, const char *syscall);

/* Ends the watch and closes the descriptor; again is fine. */
void shut(struct native_socket *socket);

/* transfer.c */
napi_value socket_send(napi_env env, napi_callback_info info);
napi_value socket_send_many(napi_env env, napi_callback_info info);
napi_value socket_receive(napi_env env, napi_callback_info info);

/* exchange.c */
napi_value socket_exchange(napi_env env, napi_callback_info info);

/* readable.c */
napi_value socket_on_readable(napi_env env, napi_callback_info info);
napi_value socket_ref(napi_env env, napi_callback_info info);
napi_value socket_unref(napi_env env, napi_callback_info info);
napi_value socket_close(napi_env env, napi_callback_info info);

#endif
