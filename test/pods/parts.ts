import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Attachment } from '../../src/pods/attachment.ts'
import { Ipam } from '../../src/pods/ipam.ts'
import { reasonOf } from '../../src/pods/errors.ts'
import { Reaper } from '../../src/pods/reaper.ts'
import type { LastTold, PodRecord } from '../../src/pods/record.ts'
import { Records } from '../../src/pods/records.ts'
import type { HostInterface, PodLinks, Wiring } from '../../src/pods/wiring.ts'
import { type Address, blockOf, formatAddress, ip4 } from '../../src/policy/address.ts'

export const LINKS: PodLinks = {
  hostMac: 'ee:ee:ee:ee:ee:ee',
  podMac: '5a:4c:0a:00:00:02',
  mtu: 1500,
  hostIndex: 10,
  podIndex: 2,
}

/** What the source has said of every pod. */
export const LAST_TOLD: LastTold = { labels: [['app', 'cart']], namedPorts: [] }

export type Step = 'create' | 'shape' | 'attach' | 'raise' | 'disconnect' | 'remove' | 'detach'

/** Everything around the kernel for real, the kernel and policy as a log of what was asked of them. */
export interface Scene {
  readonly ipam: Ipam
  readonly records: Records
  readonly wiring: Wiring
  readonly enforcement: {
    lastTold(): LastTold | undefined
    attach(attachment: Attachment): Promise<void>
    detach(attachments: readonly Attachment[]): Promise<void>
    check(attachment: Attachment): Promise<readonly string[]>
  }
  readonly reaper: Reaper
  /** Callbacks of the timers that were set, in order. */
  readonly timers: { readonly callback: () => void; readonly delayMs: number }[]
  /** Nothing stands in the way of an ADD. */
  readonly obstacle: () => undefined
  readonly now: () => number
  readonly clock: { now: number }
  /** `step pod` in order. */
  readonly log: string[]
  /** Interfaces that exist. */
  readonly interfaces: Set<string>
  /** To which routes lead to an interface. */
  readonly routes: Map<string, readonly Address[]>
  /** What is told of whose an interface is; by default nothing. */
  rebuild: (found: HostInterface) => PodRecord | undefined
  /** Steps that throw, after they have been logged. */
  readonly failing: Map<Step, Error>
  readonly problems: string[]
  /** The same directory, seen by the next agent. */
  restart(): Scene
  /** Cuts the file of a record short. */
  damage(id: string): void
  /** Names of the record files. */
  files(): string[]
  dispose(): void
}

export const COOLDOWN_MS = 60_000
export const QUIET_MS = 100
export const LATEST_MS = 1000

export function createScene(before?: { root: string; scene: Scene }): Scene {
  const root = before?.root ?? fs.mkdtempSync(join(tmpdir(), 'sluice-scene-'))
  const clock = before?.scene.clock ?? { now: 1_000_000 }
  const interfaces = before?.scene.interfaces ?? new Set<string>()
  const routes = before?.scene.routes ?? new Map<string, readonly Address[]>()
  const log: string[] = []
  const failing = new Map<Step, Error>()
  const problems: string[] = []
  const now = (): number => clock.now
  const directory = join(root, 'pods')
  const step = (name: Step, what: string): void => {
    log.push(`${name} ${what}`)
    const error = failing.get(name)
    if (error !== undefined) throw error
  }
  const timers: Scene['timers'] = []
  const parts: Omit<Scene, 'reaper'> = {
    ipam: new Ipam({ ranges: [blockOf(ip4(0x0a000000), 24)], cooldownMs: COOLDOWN_MS, now }),
    records: new Records({ directory, files: fs, report: (problem) => problems.push(problem) }),
    wiring: {
      create: (attachment) => {
        interfaces.add(attachment.hostInterface)
        step('create', attachment.pod.name)
        return LINKS
      },
      shape: (attachment) => step('shape', attachment.pod.name),
      renew: () => {},
      raise: (attachment) => step('raise', attachment.pod.name),
      check: () => [],
      disconnect: (addresses) => step('disconnect', addresses.map(formatAddress).join()),
      remove: async (names) => {
        step('remove', names.join())
        for (const name of names) interfaces.delete(name)
      },
      hostInterfaces: () =>
        [...interfaces]
          .filter((name) => name.startsWith('slc'))
          .map((name) => ({ name, addresses: routes.get(name) ?? [] })),
      hasInterface: (name) => interfaces.has(name),
    },
    enforcement: {
      lastTold: () => LAST_TOLD,
      attach: async ({ pod, addresses }) =>
        step('attach', `${pod.name} ${addresses.map(formatAddress).join()}`),
      detach: async (attachments) => {
        for (const { pod, addresses } of attachments) {
          step('detach', `${pod.name} ${addresses.map(formatAddress).join()}`)
        }
      },
      check: async () => [],
    },
    timers,
    obstacle: () => undefined,
    now,
    clock,
    log,
    interfaces,
    routes,
    rebuild: () => undefined,
    failing,
    problems,
    restart: () => createScene({ root, scene }),
    damage: (id) => fs.truncateSync(join(directory, `${id}.json`), 20),
    files: () => fs.readdirSync(directory),
    dispose: () => fs.rmSync(root, { recursive: true }),
  }
  const scene: Scene = { ...parts, reaper: reaperOf(parts) }
  return scene
}

/** Sets the scene's timers. */
export function reaperOf(parts: Omit<Scene, 'reaper'>): Reaper {
  return new Reaper({
    ...parts,
    uptime: parts.now,
    setTimer: (callback, delayMs) => parts.timers.push({ callback, delayMs }),
    onError: (error) => parts.problems.push(reasonOf(error)),
    quietMs: QUIET_MS,
    latestMs: LATEST_MS,
  })
}
