/*
 * Waits on a thread of libuv's pool until the kernel has finished whatever it was doing between an
 * RCU lock and its unlock when the wait began (membarrier(2), MEMBARRIER_CMD_GLOBAL). Netfilter
 * runs all hooks of one packet so (nf_hook).
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grace.h"
#include "values.h"

struct grace {
  bool failed;
  struct failure why;
  napi_async_work work;
  napi_deferred deferred;
};

static void execute(napi_env env, void *data) {
  (void)env;
  struct grace *grace = data;
  grace->failed = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0;
  if (grace->failed) failed(&grace->why, "membarrier");
}

static void complete(napi_env env, napi_status status, void *data) {
  struct grace *grace = data;
  napi_value result;
  /* Cancelled: the environment is going down, and nobody waits any more. */
  if (status == napi_ok && grace->failed) {
    result = make_failure(env, &grace->why, "Cannot wait for packets that are on their way");
    if (result != NULL) went_well(env, napi_reject_deferred(env, grace->deferred, result));
  } else if (status == napi_ok && went_well(env, napi_get_undefined(env, &result))) {
    went_well(env, napi_resolve_deferred(env, grace->deferred, result));
  }
  (void)napi_delete_async_work(env, grace->work);
  free(grace);
}

napi_value grace_period(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value name, promise;
  struct grace *grace = calloc(1, sizeof *grace);
  if (grace == NULL) abort(); /* as V8 does when memory is out */
  if (went_well(env, napi_create_string_utf8(env, "sluice.grace", NAPI_AUTO_LENGTH, &name)) &&
      went_well(env, napi_create_async_work(env, NULL, name, execute, complete, grace,
                                            &grace->work)) &&
      went_well(env, napi_create_promise(env, &grace->deferred, &promise)) &&
      went_well(env, napi_queue_async_work(env, grace->work)))
    return promise;
  if (grace->work != NULL) (void)napi_delete_async_work(env, grace->work);
  free(grace);
  return NULL;
}
