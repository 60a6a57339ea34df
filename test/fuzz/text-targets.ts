import assert from 'node:assert/strict'
import yaml from 'yaml'
import { readAssertions } from '../../src/cli/test/read-assertions.ts'
import { parseAddArguments } from '../../src/cni/arguments.ts'
import { parseConfig } from '../../src/cni/config.ts'
import { CniError } from '../../src/cni/errors.ts'
import { errorResult } from '../../src/cni/error-result.ts'
import { decodeRequest } from '../../src/cni/frame.ts'
import { encodeRequest } from '../cni/encode-request.ts'
import { parseManifestFiles } from '../../src/cluster/files.ts'
import { ApiError, BrokenConnection, ProtocolError } from '../../src/cluster/kubernetes/errors.ts'
import { RESOURCES } from '../../src/cluster/kubernetes/resources.ts'
import { JsonSplitter } from '../../src/cluster/kubernetes/split-json.ts'
import { readWatchEvent } from '../../src/cluster/kubernetes/watch-event.ts'
import { clusterOfManifests, readManifests } from '../../src/cluster/manifests.ts'
import { readProbes } from '../../src/lab/read-probes.ts'
import { decodeRecord } from '../../src/pods/record.ts'
import { damaged, samplesIn } from './damaged.ts'
import type { Target } from './target.ts'

/** What other programs and people write. */
export const textTargets: readonly Target[] = [
  {
    name: 'manifests',
    inputs: damaged(samplesIn('manifests')),
    read: readManifestFile,
    // Whatever is wrong with one object is a problem in the result.
    refusals: [],
  },
  {
    name: 'CNI request',
    inputs: damaged(samplesIn('cni-requests')),
    read: readCniRequest,
    refusals: [CniError],
  },
  {
    name: 'CNI configuration',
    inputs: damaged(samplesIn('cni-configurations')),
    read: (input) => readCniConfiguration(textOf(input)),
    refusals: [CniError],
  },
  {
    name: 'API watch',
    inputs: damaged(samplesIn('watch')),
    read: readWatch,
    refusals: [ApiError, BrokenConnection, ProtocolError],
  },
  {
    name: 'record',
    inputs: damaged(samplesIn('records')),
    read: (input) => decodeRecord(textOf(input)),
    refusals: [Error, SyntaxError],
  },
  {
    name: 'probes',
    inputs: damaged(samplesIn('probes')),
    read: (input) => readProbes(textOf(input), 'probes.json'),
    refusals: [Error],
  },
  {
    name: 'assertions',
    inputs: damaged(samplesIn('assertions')),
    read: (input) => readAssertions(textOf(input), 'a.test.yaml', yaml),
    refusals: [],
  },
]

async function readManifestFile(bytes: Uint8Array): Promise<unknown> {
  const file = { path: 'a.yaml', content: { kind: 'bytes', bytes } } as const
  const read = await parseManifestFiles({ files: [file], revision: '' })
  return clusterOfManifests(readManifests(read, { nodes: ['node-1', 'node-2'] }))
}

function readCniRequest(input: Uint8Array): unknown {
  const request = decodeRequest(Buffer.from(input))
  const again = decodeRequest(encodeRequest(request))
  assert.deepEqual(again, request)
  return [parseAddArguments(request.environment), readCniConfiguration(request.stdin)]
}

/** Whatever stdin holds, the error that answers it is JSON. */
function readCniConfiguration(stdin: string): unknown {
  try {
    return parseConfig(stdin)
  } catch (error) {
    if (error instanceof CniError) assert.ok(JSON.parse(errorResult(error, stdin)))
    throw error
  }
}

/** In two chunks, as every stream may come. */
function readWatch(input: Uint8Array): unknown {
  const [resource] = RESOURCES.slice(input.length % RESOURCES.length)
  const splitter = new JsonSplitter('stream')
  const half = input.length >> 1
  const objects = [input.subarray(0, half), input.subarray(half)].flatMap((chunk) =>
    splitter.push(Buffer.from(chunk)),
  )
  splitter.end()
  return resource && objects.map((object) => readWatchEvent(resource, object))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
