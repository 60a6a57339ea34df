import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

/** Written for what reads SVG by itself, outside of a page: it says its namespace, and its colours follow the reader's. */
const ROOT_ATTRIBUTES = 'xmlns="http://www.w3.org/2000/svg" '
const COLOURS = `
svg { color: #1f2328; background: #ffffff; }
@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; } }
`

/** Draws a plot: an SVG file, the same for the same options, an element a line so that differences stay small. */
export function svgOf(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html></html>')
  const plot = Plot.plot({ ...SHAPE, ...options, document })
  const svg = String(plot.outerHTML)
  return `${svg
    .replace('<svg ', `<svg ${ROOT_ATTRIBUTES}`)
    .replace('<style>', `<style>${COLOURS}`)
    .replaceAll(/\d+\.\d{3,}/gu, (digits) => String(Number(Number(digits).toFixed(2))))
    .replaceAll('><', '>\n<')}\n`
}

const SHAPE = {
  width: 760,
  className: 'plot',
  style: { fontSize: '12px' },
  marginBottom: 46,
} as const
