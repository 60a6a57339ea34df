/*
 * sluice-cni: the program that a container runtime runs. All it does is carry the request to the
 * agent of this node and the answer back, so that a call costs no more than starting a small
 * static binary. Alone it knows only what to say when the agent is away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "queue.h"
#include "report.h"
#include "request.h"

/* How long a runtime waits is its own affair; these only make sure that nobody waits for ever. */
#ifndef LONG_WAIT_MS
#define LONG_WAIT_MS 60000
#endif
#ifndef SHORT_WAIT_MS
#define SHORT_WAIT_MS 10000
#endif

struct occasion {
  const struct request *request;
  const char *version;
  char why[512]; /* the agent did not answer */
};

typedef int when_away(const struct occasion *occasion);

static when_away try_later, not_available, queue_it, tell_versions;

static const struct command {
  const char *name;
  int wait_ms;
  when_away *when_away;
} commands[] = {
    {"ADD", LONG_WAIT_MS, try_later},
    {"DEL", LONG_WAIT_MS, queue_it},
    {"CHECK", LONG_WAIT_MS, try_later},
    {"GC", LONG_WAIT_MS, try_later},
    {"STATUS", SHORT_WAIT_MS, not_available},
    {"VERSION", SHORT_WAIT_MS, tell_versions},
};

/* Megabytes, but pages that are not written to are never there. */
static struct request request;
static struct reply reply;

static int serve(void);
static const struct command *find_command(const char *name);
static int refuse(enum request_status status);
static int refuse_command(const char *name);
static int ask_agent(const struct command *command);
static const char *setting(const char *name, const char *otherwise);

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* a runtime that hung up shows as a failed write, at the end */
  int code = serve();
  return fflush(stdout) == 0 && !ferror(stdout) ? code : 1;
}

static int serve(void) {
  enum request_status status = request_read(&request, STDIN_FILENO);
  if (status != REQUEST_READ) return refuse(status);
  const char *name = setting("CNI_COMMAND", "");
  const struct command *command = find_command(name);
  return command != NULL ? ask_agent(command) : refuse_command(name);
}

static int refuse(enum request_status status) {
  const char *version = request_version(&request);
  switch (status) {
    case ENVIRONMENT_TOO_LARGE:
      return report_error(stdout, version, CNI_INVALID_ENVIRONMENT,
                          "The CNI variables of the environment are larger than 64 KiB",
                          "CNI_ARGS and CNI_PATH are the ones that can grow: shorten them.");
    case STDIN_TOO_LARGE:
      return report_error(stdout, version, CNI_DECODE_FAILURE,
                          "The network configuration on stdin is larger than 1 MiB",
                          "Nothing was done. Check the file in /etc/cni/net.d.");
    default:
      return report_error(stdout, version, CNI_IO_FAILURE,
                          "The network configuration could not be read from stdin",
                          strerror(errno));
  }
}

static const struct command *find_command(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int refuse_command(const char *name) {
  char details[512];
  snprintf(details, sizeof details,
           "It is \"%.64s\", and must be ADD, DEL, CHECK, GC, STATUS or VERSION. sluice-cni is "
           "run by a container runtime, not by hand.",
           name);
  return report_error(stdout, request_version(&request), CNI_INVALID_ENVIRONMENT,
                      "CNI_COMMAND is not a command of CNI", details);
}

static int ask_agent(const struct command *command) {
  const char *path = setting("SLUICE_CNI_SOCKET", "/run/sluice/cni.sock");
  const char *doing = agent_ask(path, &request, command->wait_ms, &reply);
  if (doing != NULL) {
    struct occasion occasion = {.request = &request, .version = request_version(&request)};
    snprintf(occasion.why, sizeof occasion.why,
             "%s %.256s: %s. Check that the sluice pod of this node is running.", doing, path,
             strerror(errno));
    return command->when_away(&occasion);
  }
  if (fwrite(reply.body, 1, reply.length, stdout) != reply.length) return 1;
  /* An exit code has eight bits: 256 must not come out as success. */
  return reply.exit_code <= 255 ? (int)reply.exit_code : 1;
}

static int try_later(const struct occasion *occasion) {
  return report_error(stdout, occasion->version, CNI_TRY_AGAIN_LATER,
                      "The Sluice agent of this node does not answer", occasion->why);
}

static int not_available(const struct occasion *occasion) {
  return report_error(stdout, occasion->version, CNI_NOT_AVAILABLE,
                      "The Sluice agent of this node does not answer", occasion->why);
}

/* A node must be able to drain while the agent is away, so a deletion is a promise, not an error. */
static int queue_it(const struct occasion *occasion) {
  const char *folder = setting("SLUICE_CNI_DELETE_DIR", "/run/sluice/del");
  const char *container = setting("CNI_CONTAINERID", "");
  if (*container == '\0')
    return report_error(stdout, occasion->version, CNI_INVALID_ENVIRONMENT,
                        "CNI_CONTAINERID is not set", "DEL needs to know which container.");
  if (queue_deletion(folder, occasion->request, container, setting("CNI_IFNAME", ""))) return 0;
  char details[1024];
  snprintf(details, sizeof details, "%s The deletion could not be queued in %.256s: %s.",
           occasion->why, folder, strerror(errno));
  return report_error(stdout, occasion->version, CNI_TRY_AGAIN_LATER,
                      "The Sluice agent of this node does not answer", details);
}

/* In the version that was asked in (specification, "VERSION Success"). */
static int tell_versions(const struct occasion *occasion) {
  printf("{\"cniVersion\":\"%s\",\"supportedVersions\":"
         "[\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n",
         occasion->version);
  return 0;
}

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value != NULL ? value : otherwise;
}
