import { type Markish, text } from '@observablehq/plot'

/** Something that is drawn, by its colour. */
export interface Series {
  readonly name: string
  readonly colour: string
  /** How it looks; a dot where it is not said. */
  readonly sign?: string
}

/** Pixels. */
const CHARACTER_WIDTH = 6.6
const GAP = 22
/** Above names of facets as well. */
const ABOVE = -34

/** Names in their colours, in a line above the plot; the plot has to leave it some 60 pixels at its top. */
export function legend(series: readonly Series[]): Markish[] {
  const widths = series.map(({ name }) => name.length * CHARACTER_WIDTH + GAP)
  return series.map(({ name, colour, sign = '●' }, index) =>
    text([`${sign} ${name}`], {
      frameAnchor: 'top-left',
      facet: 'super',
      dx: widths.slice(0, index).reduce((sum, one) => sum + one, 0),
      dy: ABOVE,
      fill: colour,
    }),
  )
}
