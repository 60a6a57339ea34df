import type { Flow } from '../flows/flow.ts'
import { formatEnd } from '../flows/format-end.ts'
import { type Style, styled, type Terminal } from './terminal.ts'

/** Flows as columns, one a line as they come: a column grows with what it has had to hold. */
export class FlowTable {
  readonly #terminal: Terminal
  readonly #widths = HEADINGS.map(({ width }) => width)
  #begun = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  add(flow: Flow): void {
    if (!this.#begun) this.#write(HEADINGS.map(({ heading }) => ({ text: heading })))
    this.#begun = true
    this.#write([
      { text: timeOf(flow.lastAt) },
      { text: flow.verdict, style: flow.verdict === 'deny' ? 'red' : 'green' },
      { text: String(flow.packets) },
      { text: protocolOf(flow) },
      { text: formatEnd(flow.from) },
      { text: formatEnd(flow.to, flow.port) },
      { text: `${flow.reason}${placeOf(flow)}`, style: 'dim' },
    ])
  }

  #write(cells: readonly { readonly text: string; readonly style?: Style }[]): void {
    const columns = cells.map(({ text, style }, at) => {
      const isLast = at === cells.length - 1
      const width = Math.min(MOST, Math.max(this.#widths[at] ?? 0, text.length))
      this.#widths[at] = width
      const padded = isLast ? text : text.padEnd(width)
      return style === undefined ? padded : styled(this.#terminal, style, padded)
    })
    this.#terminal.out(`${columns.join('  ')}\n`)
  }
}

const HEADINGS: readonly { readonly heading: string; readonly width: number }[] = [
  { heading: 'TIME', width: 12 },
  { heading: 'VERDICT', width: 7 },
  { heading: 'PACKETS', width: 7 },
  { heading: 'PROTOCOL', width: 8 },
  { heading: 'FROM', width: 16 },
  { heading: 'TO', width: 20 },
  { heading: 'REASON', width: 0 },
]

/** No column but the last grows beyond this. */
const MOST = 48

/** Of today, in the terminal's time zone, to the millisecond. */
function timeOf(iso: string): string {
  const date = new Date(iso)
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()]
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0')
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${milliseconds}`
}

/** Pods have one name in both families. */
function protocolOf({ protocol, from: { address } }: Flow): string {
  return address.includes(':') && protocol !== 'ICMPv6' ? `${protocol}/IPv6` : protocol
}

function placeOf({ rule }: Flow): string {
  return rule?.file === undefined ? '' : ` (${rule.file}:${rule.line})`
}
