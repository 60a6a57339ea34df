import type { Distribution } from './histogram.ts'
import type { Metric } from './metric.ts'

/**
 * What Prometheus reads: its text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function exposition<Source>(metrics: readonly Metric<Source>[], source: Source): string {
  return metrics.map((metric) => head(metric) + samples(metric, source)).join('')
}

function head({ name, type, help }: Metric<never>): string {
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`
}

function samples<Source>(metric: Metric<Source>, source: Source): string {
  const { name, labels } = metric
  const pairs = (values: readonly string[]): string[] =>
    labels.map(
      (label, place) => `${label}="${escaped(values[place] ?? '').replaceAll('"', '\\"')}"`,
    )
  if (metric.type !== 'histogram') {
    const all = metric.read(source)
    return all.map((one) => line(name, pairs(one.labels), one.value)).join('')
  }
  const all = metric.read(source)
  return all.map((one) => distribution(name, pairs(one.labels), one.value)).join('')
}

function distribution(
  name: string,
  pairs: readonly string[],
  { buckets, sum, count }: Distribution,
): string {
  const bounded = buckets.map(([bound, below]) =>
    line(`${name}_bucket`, [...pairs, `le="${bound}"`], below),
  )
  return [
    ...bounded,
    line(`${name}_bucket`, [...pairs, 'le="+Inf"'], count),
    line(`${name}_sum`, pairs, sum),
    line(`${name}_count`, pairs, count),
  ].join('')
}

function line(name: string, pairs: readonly string[], value: number): string {
  return pairs.length === 0 ? `${name} ${value}\n` : `${name}{${pairs.join(',')}} ${value}\n`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
