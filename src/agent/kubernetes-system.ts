import { readFile } from 'node:fs/promises'
import https from 'node:https'
import { setImmediate } from 'node:timers/promises'
import type { KubernetesSystem } from '../cluster/kubernetes/system.ts'
import { http } from './node-http.ts'

/** The real one. */
export const KUBERNETES_SYSTEM: KubernetesSystem = {
  http,
  https,
  readFile,
  setTimeout,
  clearTimeout,
  yieldToOthers: () => setImmediate(),
  now: Date.now,
  random: Math.random,
}
