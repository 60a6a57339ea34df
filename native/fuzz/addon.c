/*
 * The addon with libFuzzer beside it, in a real Node. Its export `fuzz(call, program, ...arguments)`
 * hands each input to `call` and lets the event loop do what is due. What `call` throws is a finding.
 * `program` is what runs all this, for when libFuzzer starts itself.
 *
 * Built with the addon's own files, whose entry point is sluice_register then.
 */
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { MOST_ARGUMENTS = 16, ARGUMENT_BYTES = 512 };

/* uv.h comes with Node's own headers only. */
enum { UV_RUN_NOWAIT = 2 };
int uv_run(struct uv_loop_s *loop, int mode);

napi_value sluice_register(napi_env env, napi_value exports);
NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports);
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const unsigned char *, size_t));

/* Of the one run: libFuzzer hands nothing through. */
static napi_env environment;
static napi_value harness;
static struct uv_loop_s *loop;

static void need(napi_status status) {
  if (status == napi_ok) return;
  napi_value error, text;
  char words[4096] = "Node-API refused a call.";
  if (napi_get_and_clear_last_exception(environment, &error) == napi_ok &&
      napi_get_named_property(environment, error, "stack", &text) == napi_ok)
    napi_get_value_string_utf8(environment, text, words, sizeof words, NULL);
  fprintf(stderr, "not so: %s\n", words);
  abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  napi_handle_scope scope;
  napi_value input, self;
  need(napi_open_handle_scope(environment, &scope));
  need(napi_create_buffer_copy(environment, size, data, NULL, &input));
  need(napi_get_undefined(environment, &self));
  need(napi_call_function(environment, self, harness, 1, &input, NULL));
  uv_run(loop, UV_RUN_NOWAIT);
  need(napi_close_handle_scope(environment, scope));
  return 0;
}

static napi_value fuzz(napi_env env, napi_callback_info info) {
  static char texts[MOST_ARGUMENTS][ARGUMENT_BYTES], *pointers[MOST_ARGUMENTS + 1];
  napi_value given[MOST_ARGUMENTS + 1];
  size_t count = MOST_ARGUMENTS + 1;
  environment = env;
  need(napi_get_cb_info(env, info, &count, given, NULL, NULL));
  harness = given[0];
  need(napi_get_uv_event_loop(env, &loop));
  int argc = (int)count - 1;
  if (argc > MOST_ARGUMENTS) argc = MOST_ARGUMENTS;
  for (int i = 0; i < argc; i++) {
    need(napi_get_value_string_utf8(env, given[i + 1], texts[i], ARGUMENT_BYTES, NULL));
    pointers[i] = texts[i];
  }
  char **argv = pointers;
  LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
  return NULL;
}

/* As NAPI_MODULE_INIT() makes it, which the addon has once already. */
NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  if (sluice_register(env, exports) == NULL) return NULL;
  if (napi_create_function(env, "fuzz", NAPI_AUTO_LENGTH, fuzz, NULL, &function) != napi_ok ||
      napi_set_named_property(env, exports, "fuzz", function) != napi_ok)
    return NULL;
  return exports;
}
