/**
 * What goes before a command that shall run in the room of this process, in the same directory as now. nsenter(1) of
 * util-linux: the user of the room's namespace has all rights in it.
 */
export function entering(pid: number): string[] {
  // It is in / after that.
  const back = ['sh', '-c', 'cd "$0" && exec "$@"', process.cwd()]
  return ['nsenter', ...RIGHTS_AND_PLACES, '--target', `${pid}`, '--', ...back]
}

const RIGHTS_AND_PLACES = ['--preserve-credentials', '--user', '--net', '--mount']
