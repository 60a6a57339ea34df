import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseDockerfile } from '../../scripts/parse-dockerfile.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

describe('the Dockerfile', () => {
  const instructions = parseDockerfile(text)

  test('the last stage is nothing but what the first one collects', () => {
    const last = instructions.findLastIndex(({ kind }) => kind === 'FROM')
    expect(instructions.slice(last).map(({ source }) => source)).toEqual([
      'FROM scratch',
      'COPY --from=build /image/ /',
      'ENV NODE_OPTIONS=--max-semi-space-size=4 MALLOC_ARENA_MAX=1',
      'USER 0:0',
      'ENTRYPOINT ["/usr/bin/sluice"]',
    ])
  })

  test('copies from the checkout only what .dockerignore lets through', () => {
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    const copied = instructions.flatMap((one) =>
      one.kind === 'COPY' && one.from === undefined ? one.sources : [],
    )
    expect(copied.toSorted()).toEqual(
      ignore.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])).toSorted(),
    )
  })

  test('installs from the lock file', () => {
    const commands = instructions.flatMap((one) => (one.kind === 'RUN' ? [one.command] : []))
    expect(commands.filter((command) => command.startsWith('npm ci '))).toHaveLength(1)
    expect(commands.join('\n')).not.toMatch(/npm (install|i) |curl|wget/)
  })
})

describe('parseDockerfile', () => {
  test('joins continued lines, and leaves comments out', () => {
    expect(parseDockerfile('# one\nFROM a AS b\n\nRUN x && \\\n  y\nCOPY c d e/\n')).toEqual([
      { source: 'FROM a AS b', kind: 'FROM', image: 'a', name: 'b' },
      { source: 'RUN x && y', kind: 'RUN', command: 'x && y' },
      { source: 'COPY c d e/', kind: 'COPY', from: undefined, sources: ['c', 'd'], target: 'e/' },
    ])
  })

  test.for(['ADD a b', 'RUN ["a"]', 'RUN --mount=type=cache a', 'nonsense'])(
    'refuses what it would carry out wrongly: %s',
    (line) => {
      expect(() => parseDockerfile(line)).toThrow(`"${line}" is of a form that is not known here`)
    },
  )
})
