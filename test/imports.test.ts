import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', 'src')

/** The direction of imports that docs/architecture.md promises. Folders that are not listed may import anything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  netlink: [],
  nftables: ['netlink'],
  dataplane: ['policy', 'nftables', 'netlink'],
  pods: ['netlink'],
  cni: ['pods', 'dataplane'],
  cluster: ['policy'],
  flows: ['policy', 'netlink'],
  metrics: [],
}

/** A plain value type that every part speaks. */
const SHARED = join('policy', 'address.ts')

describe('imports', () => {
  for (const [folder, targets] of Object.entries(allowed)) {
    test(`src/${folder} imports only ${['itself', ...targets].join(', ')}`, () => {
      const strangers = sources(join(root, folder)).flatMap((file) =>
        importsOf(file).filter((target) => {
          const [top = ''] = target.split('/')
          return top !== folder && target !== SHARED && !targets.includes(top)
        }),
      )
      expect(strangers).toEqual([])
    })
  }

  test('src/policy uses nothing of Node or npm', () => {
    const outside = sources(join(root, 'policy')).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/from '([^.'][^']*)'/g)].map((match) => match[1]),
    )
    expect(outside).toEqual([])
  })
})

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

/** Relative imports of a file, as paths below src. */
function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)].map((match) =>
    relative(root, join(dirname(file), match[1] ?? '')),
  )
}
