import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { repeat, timedOut } from './attempts.ts'
import { knockIcmp } from './icmp.ts'
import type { Knock, Outcome, ProbeProtocol } from './place-messages.ts'
import { knockSctp } from './sctp.ts'

/** Sends one probe from this thread's network namespace and waits for the answer. Never rejects. */
export async function knock(probe: Knock): Promise<Outcome> {
  try {
    return await KNOCK[probe.protocol](probe)
  } catch (error) {
    return outcomeOfError(error)
  }
}

const KNOCK: Record<ProbeProtocol, (probe: Knock) => Promise<Outcome>> = {
  TCP: knockTcp,
  UDP: knockUdp,
  SCTP: knockSctp,
  ICMP: knockIcmp,
}

/** What a packet, not the lab, ran into: a reset, or an ICMP error on the way. */
const REFUSALS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EACCES', 'ETIMEDOUT'])

function outcomeOfError(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REFUSALS.has(code)
    ? { kind: 'unanswered', detail: `refused with ${code}` }
    : { kind: 'unsent', detail: message }
}

/** The kernel repeats the SYN after a second, so a timeout above that tolerates one lost packet. */
function knockTcp({ from, to, port, timeoutMs }: Knock): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to, port: port ?? 0, localAddress: from })
    const timer = setTimeout(() => settle(timedOut(timeoutMs)), timeoutMs)
    let heard = ''
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      heard += chunk
      if (heard.includes('\n')) settle({ kind: 'answered', by: heard.trimEnd() })
    })
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.on('end', () => settle({ kind: 'unanswered', detail: 'closed without an answer' }))
  })
}

async function knockUdp({ from, to, port, timeoutMs }: Knock): Promise<Outcome> {
  const socket = createSocket(isIPv6(to) ? 'udp6' : 'udp4')
  const done = new AbortController()
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data) => resolve({ kind: 'answered', by: data.toString().trimEnd() }))
      socket.bind({ address: from }, () => {
        // Connected, so that only this peer is heard, its ICMP errors included.
        socket.connect(port ?? 0, to, () => {
          const send = (): void => socket.send('knock')
          repeat(send, timeoutMs, done.signal).then(() => resolve(timedOut(timeoutMs)), reject)
        })
      })
    })
  } finally {
    done.abort()
    socket.close()
  }
}
