import { describe, expect, test } from 'vitest'
import { createInstruments } from '../../src/agent/instruments.ts'
import { METRICS, type MetricSource } from '../../src/agent/metrics.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { STATUS } from '../cli/reports.ts'

function source(fields: Partial<MetricSource> = {}): MetricSource {
  return {
    status: STATUS,
    policyStates: { live: 2, accepted: 1, refused: 0, leaving: 0 },
    clusterPods: 9,
    setElements: new Map([['pod_class4', 4]]),
    instruments: createInstruments(),
    process: { residentBytes: 1000, cpuSeconds: 1.5, startSeconds: 1e9 },
    ...fields,
  }
}

/** https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/instrumenting/writing_exporters/. */
describe.each(METRICS)('$name', ({ name, type, labels, help }) => {
  test('is named and explained as metrics are', () => {
    expect(name).toMatch(/^(sluice|process)_[a-z]+(_[a-z]+)*$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(name).not.toMatch(/_(ms|milliseconds|kib|count|sum|bucket)(_|$)/)
    expect(labels.filter((label) => !/^[a-z]+$/.test(label) || label === 'le')).toEqual([])
    expect(help).toMatch(/^[A-Z][^\n|]*\.$/)
  })
})

test('every name is there once', () => {
  const names = METRICS.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})

test('a sample has a value for each label', () => {
  const instruments = createInstruments()
  instruments.cniSeconds.of('ADD', '0').observe(0.1)
  instruments.transactionFailures.set('EEXIST', 1)
  const all = source({ instruments, status: { ...STATUS, packets: { spoofed: 1 } } })
  for (const { labels, read } of METRICS) {
    const samples = read(all)
    expect(samples).not.toEqual([])
    for (const sample of samples) expect(sample.labels).toHaveLength(labels.length)
  }
})

test('what is read of an agent', () => {
  const refused = (object: 'pod' | 'policy', key: `${string}/${string}`) => {
    return { subject: { object, key }, problems: ['wrong'], inForce: 'nothing' } as const
  }
  const instruments = createInstruments()
  instruments.transactionFailures.set('EEXIST', 3)
  instruments.cniSeconds.of('ADD', '101').observe(0.02)
  const status = {
    ...STATUS,
    commitRefused: 'The kernel says no.',
    invalid: [refused('policy', 'a/b'), refused('policy', 'a/c'), refused('pod', 'a/d')],
    packets: { denied_ingress: 5, spoofed: 2 },
    repairs: { tables: 1, rules: 0, elements: 4 },
    flows: { recorded: 8, lost: 3, overruns: 1, unreadable: 2, problem: null },
  }
  const lines = exposition(METRICS, source({ status, instruments })).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_ready 0',
      'sluice_policies{state="accepted"} 1',
      'sluice_invalid_objects{kind="policy"} 2',
      'sluice_invalid_objects{kind="node"} 0',
      'sluice_cluster_pods 9',
      'sluice_set_elements{set="pod_class4"} 4',
      'sluice_transaction_failures_total{reason="EEXIST"} 3',
      'sluice_denied_packets_total{direction="ingress"} 5',
      'sluice_denied_packets_total{direction="egress"} 0',
      'sluice_refused_packets_total{reason="spoofed"} 2',
      'sluice_repairs_total{part="elements"} 4',
      'sluice_recorded_flows_total 8',
      'sluice_nflog_lost_packets_total 3',
      'sluice_nflog_overruns_total 1',
      'sluice_nflog_unreadable_packets_total 2',
      'sluice_cni_request_duration_seconds_count{verb="ADD",code="101"} 1',
      'process_cpu_seconds_total 1.5',
    ]),
  )
  expect(lines.filter((line) => line.includes('reason="denied'))).toEqual([])
})
