import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import type { Results } from './results.ts'
import { markdownTable } from './table.ts'

const BEGIN = '<!-- figures: written by `make bench` -->\n'
const END = '<!-- end of figures -->\n'

/**
 * Puts the figures between the two marks of a page; the words around them are a person's. Each figure links to the
 * script that made it.
 *
 * @param page path from the root of the repository, as scripts have it
 * @param root of the repository
 * @throws Error without marks
 */
export function renewPage(root: string, page: string, { machine, sections }: Results): void {
  const path = `${root}/${page}`
  const text = readFileSync(path, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for figures: ${BEGIN}`)
  const before = text.slice(0, begin + BEGIN.length)
  const table = markdownTable(sections, (script) => relative(dirname(page), script))
  writeFileSync(path, `${before}\n${machine}.\n\n${table}\n${text.slice(end)}`)
}
