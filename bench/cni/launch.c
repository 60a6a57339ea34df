/*
 * launch serial|at-once NETNS PROGRAM CONFIG
 *
 * Runs a CNI plugin once for each line of stdin, one after the other or all at once, and prints how
 * long each took from spawn to exit: `STATUS NANOSECONDS` a line, in the order of the lines, and at
 * the end `all NANOSECONDS`. A line is `OUTPUT NAME=VALUE NAME=VALUE ...`: the file for the
 * plugin's stdout, and its whole environment. CONFIG is its stdin. NETNS is the node.
 *
 * It is small so that starting a process costs what the kernel takes for it: Node.js adds half a
 * millisecond, which would be a third of what is measured.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { JOBS_MAX = 1024, VARIABLES_MAX = 16, INPUT_MAX = 1 << 20 };

struct job {
  char *output;
  char *environment[VARIABLES_MAX + 1];
  pid_t pid;
  int64_t started;
  int64_t nanoseconds;
  int status;
};

static struct job jobs[JOBS_MAX];
static size_t job_count;

static void enter_namespace(const char *path);
static void read_jobs(void);
static void read_job(char *line);
static void start(struct job *job, char *program, const char *config);
static void await_one(void);
static int64_t now(void);

int main(int count, char **arguments) {
  if (count != 5) errx(2, "usage: launch serial|at-once NETNS PROGRAM CONFIG < jobs");
  bool at_once = strcmp(arguments[1], "at-once") == 0;
  read_jobs();
  enter_namespace(arguments[2]);
  int64_t began = now();
  for (size_t i = 0; i < job_count; i++) {
    start(&jobs[i], arguments[3], arguments[4]);
    if (!at_once) await_one();
  }
  if (at_once)
    for (size_t i = 0; i < job_count; i++) await_one();
  int64_t ended = now();
  for (size_t i = 0; i < job_count; i++)
    printf("%d %lld\n", jobs[i].status, (long long)jobs[i].nanoseconds);
  printf("all %lld\n", (long long)(ended - began));
  return fflush(stdout) == 0 ? 0 : 1;
}

static void read_jobs(void) {
  static char input[INPUT_MAX + 1];
  size_t length = fread(input, 1, INPUT_MAX, stdin);
  if (ferror(stdin) || !feof(stdin)) errx(1, "the jobs cannot be read, or are too many");
  input[length] = '\0';
  char *rest = input;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;)
    if (*line != '\0') read_job(line);
}

static void read_job(char *line) {
  if (job_count == JOBS_MAX) errx(1, "more than %d jobs", JOBS_MAX);
  struct job *job = &jobs[job_count++];
  job->output = strsep(&line, " ");
  for (size_t i = 0; line != NULL; i++) {
    if (i == VARIABLES_MAX) errx(1, "more than %d variables", VARIABLES_MAX);
    job->environment[i] = strsep(&line, " ");
  }
}

static void enter_namespace(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) err(1, "%s cannot be entered", path);
}

static void start(struct job *job, char *program, const char *config) {
  posix_spawn_file_actions_t files;
  if (posix_spawn_file_actions_init(&files) != 0 ||
      posix_spawn_file_actions_addopen(&files, 0, config, O_RDONLY, 0) != 0 ||
      posix_spawn_file_actions_addopen(&files, 1, job->output, O_WRONLY | O_CREAT | O_TRUNC,
                                       0600) != 0)
    errx(1, "out of memory");
  char *arguments[] = {program, NULL};
  job->started = now();
  int problem = posix_spawn(&job->pid, program, &files, NULL, arguments, job->environment);
  if (problem != 0) errx(1, "%s cannot be started: %s", program, strerror(problem));
  posix_spawn_file_actions_destroy(&files);
}

static void await_one(void) {
  int status;
  pid_t pid = wait(&status);
  int64_t ended = now();
  if (pid < 0) err(1, "wait");
  for (size_t i = 0; i < job_count; i++) {
    if (jobs[i].pid != pid) continue;
    jobs[i].nanoseconds = ended - jobs[i].started;
    jobs[i].status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    jobs[i].pid = 0;
    return;
  }
}

static int64_t now(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
