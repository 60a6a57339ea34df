import type { CniRequest } from '../../src/cni/frame.ts'
import { frameOf } from './frame-of.ts'

/** The bytes that the shim sends, and leaves in its queue when nobody listens. */
export function encodeRequest({ environment, stdin }: CniRequest): Buffer {
  return frameOf([...environment].map(([name, value]) => `${name}=${value}\0`).join(''), stdin)
}
