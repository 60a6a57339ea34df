import { type DestinationStream, type Logger, pino } from 'pino'

/**
 * The log of an agent: one JSON object a line, to standard output unless told otherwise.
 *
 * An error is written with its cause as an object of its own. The default would append the messages of the causes
 * to that of the error, and ours are sentences that have said already what went wrong underneath.
 */
export function createLog(node: string, to: DestinationStream = pino.destination()): Logger {
  const options = {
    base: { node },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: pino.stdSerializers.errWithCause },
  }
  return pino(options, to)
}
