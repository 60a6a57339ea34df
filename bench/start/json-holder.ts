/**
 * Holds all objects of a cluster as JSON text and does nothing else: `json-holder.ts PODS POLICIES`, with
 * --expose-gc. What an agent has to be compared with that keeps what the API server sends. Text, since parsed
 * objects take several times as much. Run by agent-memory.ts.
 */
import { clusterTexts } from './cluster-texts.ts'
import { sizeFromArguments } from './size-arguments.ts'

const texts = clusterTexts(sizeFromArguments())
globalThis.gc?.()
process.send?.('holding')
process.on('disconnect', () => process.exit(texts.size > 0 ? 0 : 1))
