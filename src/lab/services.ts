import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6 } from 'node:net'
import { answerSctp } from './sctp-service.ts'
import type { Service } from './place-messages.ts'

/** The services of one place. Each answers with the place's name, so that a probe knows who answered. */
export class Services {
  readonly #name: string
  /** Settled or not: whoever asks for the same service again waits for the same socket. */
  readonly #open = new Map<string, Promise<void>>()

  constructor(name: string) {
    this.#name = name
  }

  /** Throws the system's error for an address or port that cannot be had. */
  async open(services: readonly Service[]): Promise<void> {
    await Promise.all(services.map((service) => this.#openOnce(service)))
  }

  #openOnce(service: Service): Promise<void> {
    const key = keyOf(service)
    const opening = this.#open.get(key) ?? OPEN[service.protocol](service, this.#name)
    this.#open.set(key, opening)
    return opening
  }
}

function keyOf({ protocol, address, port }: Service): string {
  return `${protocol} ${address} ${port}`
}

// Bound to one address each: a UDP answer from a socket of any address leaves with the address that the
// route prefers, not with the one that was asked.
const OPEN: Record<Service['protocol'], (service: Service, name: string) => Promise<void>> = {
  TCP: openTcp,
  UDP: openUdp,
  SCTP: openSctp,
}

/** Says its name, then echoes until the other side ends. */
async function openTcp({ address, port }: Service, name: string): Promise<void> {
  const server = createServer((socket) => {
    // A peer that goes away with a reset is an everyday thing for a service.
    socket.on('error', () => socket.destroy())
    socket.write(`${name}\n`)
    socket.pipe(socket)
  })
  server.listen({ host: address, port, backlog: 1024 })
  await once(server, 'listening')
}

async function openUdp({ address, port }: Service, name: string): Promise<void> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  socket.on('message', (_data, from) => socket.send(`${name}\n`, from.port, from.address))
  socket.bind({ address, port })
  await once(socket, 'listening')
  // Only now: until it listens, an error must reject the wait above. Later ones are ICMP errors of an answer.
  socket.on('error', () => {})
}

async function openSctp(service: Service, name: string): Promise<void> {
  answerSctp(service, name)
}
