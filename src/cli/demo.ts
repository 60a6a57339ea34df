import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import type { Manifests } from '../cluster/manifests.ts'
import { addressPlan } from '../lab/address-plan.ts'
import {
  API_TO_DB,
  DEMO_NODES,
  DEMO_STEPS,
  type DemoStep,
  OUTSIDE_PROBES,
} from '../lab/demo-steps.ts'
import type { Lab } from '../lab/lab.ts'
import { readLabManifests } from '../lab/lab-manifests.ts'
import { everyProbe } from '../lab/plan-probes.ts'
import type { Probe, ProbeResult } from '../lab/probe.ts'
import { CommandError } from './command-error.ts'
import { explanationText } from './explanation.ts'
import { parseEndpoint } from './flow-arguments.ts'
import { withLab } from './lab-session.ts'
import { probeReport } from './probe-report.ts'
import { becomeRoot } from './rootless/become-root.ts'
import { styled, type Terminal } from './terminal.ts'

/** `sluice demo`: the same lab as `sluice lab run`, taken through four sets of manifests. */
export function define(command: Command, terminal: Terminal): void {
  command.action(() => demo(terminal))
}

async function demo(terminal: Terminal): Promise<void> {
  await becomeRoot()
  const steps = await Promise.all(DEMO_STEPS.map(readStep))
  const nodes = steps[0]?.nodes ?? []
  const startedAtMs = Date.now()
  let mismatches = 0
  terminal.out(INTRODUCTION)
  await withLab({ nodes, plan: addressPlan([4, 6]) }, terminal, async (lab) => {
    await lab.start()
    for (const [index, step] of steps.entries()) {
      terminal.out(`\n${styled(terminal, 'bold', `${index + 1}. ${step.title}`)}\n`)
      terminal.out(`   ${step.path}\n\n`)
      await apply(lab, step, terminal, index === steps.length - 1)
      mismatches += await show(lab, step, terminal)
    }
    return 'remove'
  })
  if (mismatches > 0) throw new CommandError(`${mismatches} probes did not find what they should.`)
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1)
  terminal.out(`\nAll that took ${seconds} s and is gone again. To go on by yourself:\n${NEXT}`)
}

const INTRODUCTION = `
Two nodes, and a shop of three tiers on them: web, api and db. With them a monitoring system, a DNS
server, an outsider, and hosts outside the cluster. Nodes and pods are network namespaces of this machine;
a real agent on each node enforces ordinary NetworkPolicy in the kernel, and real packets try every pair.
`

const NEXT = `  bin/sluice lab run --manifests demo/3-rules --keep
  bin/sluice explain --manifests demo/3-rules shop/web-0 shop/db-0 5432
`

interface ReadStep extends DemoStep {
  readonly path: string
  readonly manifests: Manifests
  readonly nodes: readonly string[]
}

async function readStep(step: DemoStep): Promise<ReadStep> {
  const path = relative(process.cwd(), findDemo(import.meta.dirname, step.directory))
  return { ...step, path, ...(await readLabManifests(path, DEMO_NODES)) }
}

function findDemo(from: string, directory: string): string {
  const path = join(from, 'demo', directory)
  if (existsSync(path)) return path
  if (from !== dirname(from)) return findDemo(dirname(from), directory)
  throw new CommandError(`demo/${directory} is not there. Run the demo from a complete checkout.`)
}

/** Applies a step; the last one while a connection is open that it no longer allows. */
async function apply(lab: Lab, step: ReadStep, terminal: Terminal, last: boolean): Promise<void> {
  if (!last) return lab.apply(step.manifests)
  const stream = await lab.openStream(API_TO_DB)
  terminal.out(`A connection from ${API_TO_DB.from} to ${API_TO_DB.to} is open and echoes.\n`)
  const changedAtMs = Date.now()
  await lab.apply(step.manifests)
  const { lastEchoAtMs, endedAtMs, how } = await withinSeconds(10, stream.end)
  terminal.out(
    `The manifests change. ${lastEchoAtMs - changedAtMs} ms later the last byte comes back, ` +
      `and after ${endedAtMs - changedAtMs} ms the connection is dead (${how}).\n\n`,
  )
}

async function withinSeconds<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new CommandError(`The connection was still open ${seconds} s after its rule was gone.`),
      )
    }, seconds * 1000)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** Returns how many probes found something else than they should. */
async function show(lab: Lab, step: ReadStep, terminal: Terminal): Promise<number> {
  const { results } = await lab.probe([...everyProbe(lab.pods), ...OUTSIDE_PROBES])
  terminal.out(`${probeReport(results, terminal)}\n`)
  for (const probe of step.explained) terminal.out(`${explain(probe, results, step, terminal)}\n`)
  return results.filter(({ agreed }) => !agreed).length
}

function explain(
  probe: Probe,
  results: readonly ProbeResult[],
  { manifests }: ReadStep,
  terminal: Terminal,
): string {
  const found = results.find(
    ({ from, to, port, protocol }) =>
      from === probe.from && to === probe.to && port === probe.port && protocol === probe.protocol,
  )
  if (found === undefined) return ''
  const { from, to, protocol, port } = probe
  const ends = { from: parseEndpoint(from), to: parseEndpoint(to) }
  const flow = { ...ends, protocol, ...(port !== undefined && { port }) }
  return explanationText({ flow, verdict: found.verdict, manifests }, terminal)
}
