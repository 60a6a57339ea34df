/*
 * The addon that lets Sluice talk to the kernel: datagram sockets of any domain inside any network
 * namespace, and the namespaces themselves. It knows nothing of what the datagrams say.
 *
 * Pure Node-API, without state of its own per environment, so any number of worker threads can load
 * it. The one process-wide thing is the watching thread of watch.c.
 */
#include <node_api.h>
#include <stdio.h>
#include <string.h>

#include "namespace.h"
#include "socket.h"
#include "values.h"

typedef bool on_namespace(const char *path, struct failure *why);

static bool read_arguments(napi_env env, napi_callback_info info, size_t count, char text[][TEXT_BYTES],
                           const char *const names[]) {
  napi_value arguments[3];
  size_t given = count;
  if (!went_well(env, napi_get_cb_info(env, info, &given, arguments, NULL, NULL))) return false;
  for (size_t i = 0; i < count; i++)
    if (!read_text(env, arguments[i], names[i], text[i])) return false;
  return true;
}

static napi_value call_with_path(napi_env env, napi_callback_info info, on_namespace *act,
                                 const char *verb) {
  char path[1][TEXT_BYTES], what[TEXT_BYTES + 64];
  struct failure why;
  if (!read_arguments(env, info, 1, path, (const char *const[]){"path"}) || act(path[0], &why))
    return NULL;
  snprintf(what, sizeof what, "Cannot %s the network namespace %s", verb, path[0]);
  return throw_failure(env, &why, what);
}

static napi_value create_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_create, "create");
}

static napi_value enter_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_enter, "enter");
}

static napi_value delete_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_delete, "delete");
}

static napi_value write_file_in_namespace(napi_env env, napi_callback_info info) {
  static const char *const names[] = {"netns", "path", "text"};
  char text[3][TEXT_BYTES], what[2 * TEXT_BYTES + 64];
  struct failure why;
  if (!read_arguments(env, info, 3, text, names) ||
      namespace_write_file(text[0], text[1], text[2], strlen(text[2]), &why))
    return NULL;
  snprintf(what, sizeof what, "Cannot write %s in the network namespace %s", text[1], text[0]);
  return throw_failure(env, &why, what);
}

NAPI_MODULE_INIT() {
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
  napi_value class = define_socket_class(env);
  if (class == NULL) return NULL;
  const napi_property_descriptor properties[] = {
      {"NativeSocket", NULL, NULL, NULL, NULL, class, napi_enumerable, NULL},
      FUNCTION("createNamespace", create_namespace),
      FUNCTION("enterNamespace", enter_namespace),
      FUNCTION("deleteNamespace", delete_namespace),
      FUNCTION("writeFileInNamespace", write_file_in_namespace),
  };
#undef FUNCTION
  size_t count = sizeof properties / sizeof *properties;
  return went_well(env, napi_define_properties(env, exports, count, properties)) ? exports : NULL;
}
