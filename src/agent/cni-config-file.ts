import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The network configuration that makes a container runtime call `sluice-cni` (CNI specification, section 1). */
const CONFIGURATION = {
  cniVersion: '1.0.0',
  name: 'sluice',
  plugins: [{ type: 'sluice-cni' }],
}

/**
 * Tells the container runtime of us; to be called last, since it begins to call at once. The file appears whole:
 * it is renamed from a name that no runtime reads.
 */
export async function writeCniConfig(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = join(dirname(path), '.sluice.conflist.tmp')
  await writeFile(temporary, `${JSON.stringify(CONFIGURATION, undefined, 2)}\n`, { mode: 0o644 })
  await rename(temporary, path)
}
