/* The JavaScript class NativeSocket: a datagram socket of any domain in any network namespace. */
#ifndef SLUICE_SOCKET_H
#define SLUICE_SOCKET_H

#include <node_api.h>

/* The class itself, to be called with `new` and the options of src/netlink/native.ts; null = threw. */
napi_value define_socket_class(napi_env env);

#endif
