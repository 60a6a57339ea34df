/*
 * Fuzzes sluice-cni whole, its main() included. An input is made of
 *
 *   flags  reach  NAME=VALUE with NULs between  RS  stdin  RS  what the agent says
 *
 * where RS is 0x1e. Stdin and stdout are memory, the agent is a thread behind a unix socket, the
 * queue of deletions is a folder. After each run it checks what must hold whatever came in.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cni/agent.h"
#include "../test/check.h"
#include "agent-thread.h"
#include "fuzz.h"
#include "queue-folder.h"

enum {
  SEPARATOR = 0x1e,
  AWAY = 1,           /* there is no agent */
  BLOCKED = 2,        /* deletions cannot be queued */
  LONG_ARGUMENTS = 4, /* as long as allowed, give or take `reach` */
  HANGS_UP = 8,       /* the agent reads `reach` bytes of the request at most */
};

struct section {
  const unsigned char *bytes;
  size_t length;
};

int sluice_cni_main(void);

static const char *const variables[] = {
    "CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH",
};

static int input, output;
static char top[] = "/tmp/sluice-fuzz-XXXXXX", queue[sizeof top + 8];
static const char *agent;
static char environment[4 * ENVIRONMENT_MAX];
/* What sluice-cni shall ask, and what it said. */
static unsigned char frame[HEADER_BYTES + 2 * sizeof environment];
static size_t frame_length;
static bool too_large;
static unsigned char printed[HEADER_BYTES + BODY_MAX];
static size_t printed_length;

static void prepare(void);
static void clean(void);
static struct section cut(struct section *rest);
static void set_environment(struct section section, bool lengthen, unsigned reach);
static void set_stdin(struct section section);
static int run(void);
static bool is_whole(struct section answer);
static void check_answer(int code, struct section answer);
static void check_own_words(int code);
static void check_version(void);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  if (size < 2 || size > sizeof environment / 2) return 0;
  if (agent == NULL) prepare();
  unsigned flags = data[0], reach = data[1];
  struct section rest = {data + 2, size - 2};
  set_environment(cut(&rest), flags & LONG_ARGUMENTS, reach);
  set_stdin(cut(&rest));
  setenv("SLUICE_CNI_SOCKET", flags & AWAY ? "/nowhere" : agent, 1);
  setenv("SLUICE_CNI_DELETE_DIR", flags & BLOCKED ? "/dev/null/del" : queue, 1);
  agent_thread_answers(rest.bytes, rest.length, flags & HANGS_UP ? reach : SIZE_MAX);

  int code = run();

  const struct heard *heard = agent_thread_heard();
  bool asked = heard->asked;
  CHECK(code >= 0 && code <= 255 && !(asked && (too_large || flags & AWAY)));
  if (asked && flags & HANGS_UP) { /* it may have heard the answer, or not */
    queue_folder_held(queue, frame, frame_length);
    return 0;
  }
  CHECK(!asked || (heard->length == frame_length && memcmp(heard->bytes, frame, frame_length) == 0));
  if (asked && is_whole(rest))
    check_answer(code, rest);
  else
    check_own_words(code);
  return 0;
}

static void prepare(void) {
  CHECK(mkdtemp(top) != NULL && atexit(clean) == 0);
  snprintf(queue, sizeof queue, "%s/del", top);
  agent = agent_thread_start(top);
  input = memfd_create("stdin", MFD_CLOEXEC);
  output = memfd_create("stdout", MFD_CLOEXEC);
  CHECK(input >= 0 && output >= 0 && dup2(input, STDIN_FILENO) == STDIN_FILENO);
}

static void clean(void) {
  rmdir(queue);
  unlink(agent);
  rmdir(top);
}

static struct section cut(struct section *rest) {
  const unsigned char *end = memchr(rest->bytes, SEPARATOR, rest->length);
  struct section section = {rest->bytes, end != NULL ? (size_t)(end - rest->bytes) : rest->length};
  size_t gone = end != NULL ? section.length + 1 : section.length;
  *rest = (struct section){rest->bytes + gone, rest->length - gone};
  return section;
}

/* Also begins the frame. */
static void set_environment(struct section section, bool lengthen, unsigned reach) {
  memcpy(environment, section.bytes, section.length);
  environment[section.length] = '\0';
  clearenv();
  for (char *one = environment; one < environment + section.length; one += strlen(one) + 1)
    if (*one != '=' && strchr(one, '=') != NULL) CHECK(putenv(one) == 0);
  if (lengthen) {
    static char arguments[ENVIRONMENT_MAX + 256];
    memset(arguments, 'x', sizeof arguments);
    arguments[ENVIRONMENT_MAX - 128 + reach] = '\0';
    CHECK(setenv("CNI_ARGS", arguments, 1) == 0);
  }
  frame_length = HEADER_BYTES;
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value == NULL) continue;
    size_t room = sizeof frame - frame_length;
    frame_length += (size_t)snprintf((char *)frame + frame_length, room, "%s=%s", variables[i], value) + 1;
  }
}

/* Also ends the frame. */
static void set_stdin(struct section section) {
  size_t environment_length = frame_length - HEADER_BYTES;
  size_t length = section.length;
  memcpy(frame + frame_length, section.bytes, length);
  CHECK(ftruncate(input, 0) == 0 && pwrite(input, section.bytes, length, 0) == (ssize_t)length);
  too_large = environment_length > ENVIRONMENT_MAX;
  memcpy(frame, FRAME_MAGIC, 4);
  frame_write_u32(frame + 4, (uint32_t)environment_length);
  frame_write_u32(frame + 8, (uint32_t)length);
  frame_length += length;
}

/* With stdin and stdout as the process has them, since main() uses no others. */
static int run(void) {
  int kept = dup(STDOUT_FILENO);
  CHECK(lseek(input, 0, SEEK_SET) == 0 && ftruncate(output, 0) == 0);
  CHECK(lseek(output, 0, SEEK_SET) == 0 && dup2(output, STDOUT_FILENO) == STDOUT_FILENO);
  int code = sluice_cni_main();
  CHECK(dup2(kept, STDOUT_FILENO) == STDOUT_FILENO && close(kept) == 0);
  ssize_t length = pread(output, printed, sizeof printed, 0);
  CHECK(length >= 0);
  printed_length = (size_t)length;
  return code;
}

static bool is_whole(struct section answer) {
  if (answer.length < HEADER_BYTES || memcmp(answer.bytes, FRAME_MAGIC, 4) != 0) return false;
  size_t body = frame_read_u32(answer.bytes + 8);
  return body <= BODY_MAX && body <= answer.length - HEADER_BYTES;
}

/* It is passed on as it is. */
static void check_answer(int code, struct section answer) {
  uint32_t wanted = frame_read_u32(answer.bytes + 4);
  CHECK(code == (wanted <= 255 ? (int)wanted : 1));
  CHECK(printed_length == frame_read_u32(answer.bytes + 8));
  CHECK(memcmp(printed, answer.bytes + HEADER_BYTES, printed_length) == 0);
}

/* It keeps a deletion and says nothing, or prints a line of JSON in ASCII. */
static void check_own_words(int code) {
  const char *command = getenv("CNI_COMMAND");
  bool deletes = !too_large && command != NULL && strcmp(command, "DEL") == 0;
  bool kept = queue_folder_held(queue, frame, frame_length);
  CHECK(code <= 1 && kept == (deletes && code == 0));
  if (kept) {
    CHECK(printed_length == 0);
    return;
  }
  CHECK(code == 1 || (command != NULL && strcmp(command, "VERSION") == 0));
  check_version();
  CHECK(memcmp(printed + printed_length - 2, "}\n", 2) == 0);
  bool in_string = false;
  for (size_t i = 0; i < printed_length - 1; i++) {
    CHECK(printed[i] >= 0x20 && printed[i] < 0x7f);
    if (in_string && printed[i] == '\\')
      i++;
    else if (printed[i] == '"')
      in_string = !in_string;
  }
  CHECK(!in_string);
}

/* Any but the newest is one that stands in stdin. */
static void check_version(void) {
  static const char begin[] = "{\"cniVersion\":", newest[] = "\"1.1.0\"";
  const unsigned char *version = printed + sizeof begin - 1;
  CHECK(printed_length > sizeof begin + sizeof newest);
  CHECK(memcmp(printed, begin, sizeof begin - 1) == 0);
  if (memcmp(version, newest, sizeof newest - 1) == 0) return;
  size_t at = HEADER_BYTES + frame_read_u32(frame + 4);
  CHECK(memmem(frame + at, frame_length - at, version, sizeof newest - 1) != NULL);
}
