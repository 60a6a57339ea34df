import type { Scratch } from './scratch.ts'

/** What npm says of a package that could have been the binding. */
export interface PackageFinding {
  readonly command: string
  readonly outcome: string
}

/** Asks npm for the packages that were named for this project. Needs the npm registry. */
export async function findPackages({ npm }: Scratch): Promise<PackageFinding[]> {
  const view = await npm('view', 'node-nftables', 'version')
  const install = await npm('install', '--no-audit', '--no-fund', FFI_NAPI)
  return [
    { command: 'npm view node-nftables', outcome: told(view, /code E\w+/u) },
    {
      command: `npm install ${FFI_NAPI}`,
      outcome: told(install, /error: .*/u),
    },
  ]
}

const FFI_NAPI = 'ffi-napi@4.0.3'

/** The first words of the output that say why it failed. */
function told(
  { succeeded, output }: { readonly succeeded: boolean; readonly output: string },
  reason: RegExp,
): string {
  if (succeeded) return 'succeeds'
  return `fails: ${reason.exec(output)?.[0] ?? output.trim().split('\n').at(-1)}`
}
