import { readFileSync, writeFileSync } from 'node:fs'
import type { Results } from './results.ts'
import { markdownTable } from './table.ts'

const BEGIN = '<!-- figures: written by `make bench` -->\n'
const END = '<!-- end of figures -->\n'

/** Puts the figures between the two marks of a page; the words around them are a person's. @throws without marks */
export function renewPage(path: string, { machine, mode, noise, figures }: Results): void {
  const page = readFileSync(path, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for figures: ${BEGIN}`)
  const before = page.slice(0, begin + BEGIN.length)
  const told = `${machine}; ${mode} mode; ${noise}.\n\n${markdownTable(figures)}`
  writeFileSync(path, `${before}\n${told}\n${page.slice(end)}`)
}
