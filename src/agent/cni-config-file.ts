import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * The network configuration that makes a container runtime call `sluice-cni` (CNI specification 1.1.0, section 1).
 * Runtimes that know `cniVersions` take the highest of both that they speak, others what `cniVersion` says.
 */
const CONFIGURATION = {
  cniVersion: '1.0.0',
  cniVersions: ['1.0.0', '1.1.0'],
  name: 'sluice',
  plugins: [
    {
      type: 'sluice-cni',
      // A runtime hands over only what is declared here (CNI's CONVENTIONS.md).
      capabilities: { portMappings: true, bandwidth: true, ips: true, ipRanges: true, mac: true },
    },
  ],
}

/** Tells the container runtime of us; to be called last, since it begins to call at once. */
export async function writeCniConfig(path: string): Promise<void> {
  await placeCniConfig(path, `${JSON.stringify(CONFIGURATION, undefined, 2)}\n`)
}

/** The file appears whole: it is renamed from a name that no runtime reads. */
export async function placeCniConfig(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = join(dirname(path), '.sluice.conflist.tmp')
  await writeFile(temporary, text, { mode: 0o644 })
  await rename(temporary, path)
}
