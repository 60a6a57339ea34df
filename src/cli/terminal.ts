import { styleText } from 'node:util'

/** Where a command writes; whole lines. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Whether `out` is a screen. */
  readonly colour: boolean
  /** Aborted when nobody reads `out` any more. */
  readonly gone?: AbortSignal
}

export type Style = Parameters<typeof styleText>[0]

/** The text in a style, where there is a screen to show it. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.colour ? styleText(style, text, { validateStream: false }) : text
}
