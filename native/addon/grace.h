/* The function of the addon that waits for what the kernel has begun. */
#ifndef SLUICE_GRACE_H
#define SLUICE_GRACE_H

#include <node_api.h>

/* () => Promise<void>: resolves when the wait is over, rejects where membarrier(2) is refused. */
napi_value grace_period(napi_env env, napi_callback_info info);

#endif
