// Opens TCP connections one after the other and counts answers that are not the expected one. Run in a pod's
// namespace until SIGTERM, when it prints one JSON object:  node traffic.ts HOST:PORT=open HOST:PORT=closed ...
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

interface Target {
  readonly host: string
  readonly port: number
  readonly expected: string
}

/** Long enough for a SYN that is sent again after one and after three seconds more, on a busy machine. */
const PATIENCE_MS = { open: 8000, closed: 300 }
const PAUSE_MS = 5

const count = { attempts: 0, wrong: 0 }
let stopping = false
process.once('SIGTERM', () => {
  stopping = true
})
await Promise.all(process.argv.slice(2).map(targetOf).map(knock))
console.log(JSON.stringify(count))

function targetOf(text: string): Target {
  const [, host = '', port = '', expected = ''] = /^(.*):(\d+)=(open|closed)$/u.exec(text) ?? []
  return { host, port: Number(port), expected }
}

async function knock(target: Target): Promise<void> {
  while (!stopping) {
    const answer = await answerOf(target)
    count.attempts += 1
    if (answer !== target.expected) count.wrong += 1
    await delay(PAUSE_MS)
  }
}

function answerOf({ host, port, expected }: Target): Promise<'open' | 'closed'> {
  const patience = expected === 'open' ? PATIENCE_MS.open : PATIENCE_MS.closed
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (answer: 'open' | 'closed'): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => end('closed'), patience)
    socket.once('connect', () => end('open'))
    socket.once('error', () => end('closed'))
  })
}
