import type { ToldPod } from '../cluster/local-pods.ts'
import type { LastTold } from '../pods/record.ts'
import { parsePort } from '../policy/port.ts'

/** As a record keeps it. */
export function lastToldOf({ labels, namedPorts }: ToldPod): LastTold {
  return { labels: [...labels], namedPorts }
}

/** As policy takes it; what is no port is left out. */
export function toldPodOf({ labels, namedPorts }: LastTold): ToldPod {
  return {
    labels: new Map(labels),
    namedPorts: namedPorts.flatMap((named) => {
      const port = parsePort(named.port)
      return port === undefined ? [] : [{ ...named, port }]
    }),
  }
}
