/** A command cannot do what it was asked to: its message is for the user, and the exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
