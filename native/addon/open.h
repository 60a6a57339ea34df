/* Opens the descriptor that a NativeSocket wraps, from the options object it was constructed with. */
#ifndef SLUICE_OPEN_H
#define SLUICE_OPEN_H

#include <node_api.h>

/* Returns the descriptor, or -1 after throwing. */
int open_from_options(napi_env env, napi_value options);

#endif
