import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

const TYPES: Readonly<Record<string, string>> = {
  ServiceAccount: 'V1ServiceAccount',
  ClusterRole: 'V1ClusterRole',
  ClusterRoleBinding: 'V1ClusterRoleBinding',
  DaemonSet: 'V1DaemonSet',
}

/**
 * What is wrong with Kubernetes objects by the types of the Kubernetes API, which client-node generates from its
 * OpenAPI document: a field that it does not know, that has another type, or that is missing. The compiler finds
 * all three in an object literal, and needs no API server. Empty if nothing is wrong.
 */
export function checkApiTypes(objects: readonly unknown[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-manifests-'))
  try {
    const client = join(ROOT, 'node_modules', '@kubernetes', 'client-node')
    const literals = objects.map(
      (object) => `  ${JSON.stringify(object)} satisfies k8s.${typeOf(object)},`,
    )
    writeFileSync(
      join(directory, 'objects.ts'),
      `import type * as k8s from '@kubernetes/client-node'\nexport const objects = [\n${literals.join('\n')}\n]\n`,
    )
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      module: 'nodenext',
      target: 'es2024',
      types: [],
      paths: { '@kubernetes/client-node': [client] },
    }
    const project = join(directory, 'tsconfig.json')
    writeFileSync(project, JSON.stringify({ compilerOptions, files: ['objects.ts'] }))
    const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
    const { stdout, stderr, error } = spawnSync(tsc, ['-p', project], { encoding: 'utf8' })
    if (error !== undefined) throw error
    return stdout + stderr
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function typeOf(object: unknown): string {
  const kind =
    typeof object === 'object' && object !== null && 'kind' in object ? object.kind : undefined
  const type = TYPES[String(kind)]
  if (type === undefined) throw new Error(`There is no type here for the kind ${String(kind)}.`)
  return type
}
