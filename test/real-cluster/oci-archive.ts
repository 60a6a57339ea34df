import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'

export interface Image {
  /** With a tag. */
  readonly name: string
  readonly entrypoint: readonly string[]
  readonly environment: readonly string[]
}

/**
 * Packs the files of a directory as an image of one layer, in an archive as `ctr images import` takes it (OCI
 * image layout 1.0). They will belong to root.
 */
export async function writeOciArchive(path: string, files: string, image: Image): Promise<void> {
  const layout = `${path}.layout`
  const blobs = join(layout, 'blobs/sha256')
  await mkdir(blobs, { recursive: true })
  const layerFile = join(blobs, 'layer')
  await tar(layerFile, files)
  const layer = describe(LAYER, await readFile(layerFile))
  await rename(layerFile, join(blobs, nameOf(layer)))

  const config = await writeBlob(blobs, CONFIG, configurationOf(image, layer.digest))
  const manifest = await writeBlob(blobs, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers: [layer],
  })
  const annotations = { 'io.containerd.image.name': image.name }
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] }
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await tar(path, layout)
  await rm(layout, { recursive: true })
}

const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** Names of architectures are Go's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

function describe(mediaType: string, content: Uint8Array): Descriptor {
  const hash = createHash('sha256').update(content).digest('hex')
  return { mediaType, digest: `sha256:${hash}`, size: content.length }
}

function nameOf({ digest }: Descriptor): string {
  return digest.replace('sha256:', '')
}

async function writeBlob(blobs: string, mediaType: string, value: object): Promise<Descriptor> {
  const content = Buffer.from(JSON.stringify(value))
  const descriptor = describe(mediaType, content)
  await writeFile(join(blobs, nameOf(descriptor)), content)
  return descriptor
}

function configurationOf({ entrypoint, environment }: Image, layerDigest: string): object {
  return {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Entrypoint: entrypoint, Env: environment },
    rootfs: { type: 'layers', diff_ids: [layerDigest] },
  }
}

async function tar(archive: string, directory: string): Promise<void> {
  await run([
    'tar',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-cf',
    archive,
    '-C',
    directory,
    '.',
  ])
}
