import * as v from 'valibot'

/** What a network configuration must have for us to be put behind its plugins (CNI specification, section 1). */
const list = v.looseObject({
  name: v.string(),
  plugins: v.array(v.looseObject({ type: v.string() })),
})
/** Before lists there were configurations of one plugin; runtimes still read them. */
const single = v.looseObject({ name: v.string(), type: v.string() })

/**
 * The network configuration of other plugins with `sluice-cni` behind them, as JSON.
 *
 * @returns undefined where it is listed already: then there is nothing to add
 * @throws Error with a phrase that says why it is none
 */
export function chainConfig(text: string): string | undefined {
  const value: unknown = JSON.parse(text)
  const parsed = v.safeParse(list, v.is(single, value) ? listOf(value) : value)
  if (!parsed.success) {
    const [issue] = parsed.issues
    const field = v.getDotPath(issue) ?? 'content'
    if (issue.received === 'undefined') throw new Error(`it has no ${field}`)
    throw new Error(`its ${field} must be ${issue.expected}, not ${issue.received}`)
  }
  const { plugins } = parsed.output
  if (plugins.some(({ type }) => type === OURS)) return undefined
  const chained = { ...parsed.output, plugins: [...plugins, { type: OURS }] }
  return `${JSON.stringify(chained, undefined, 2)}\n`
}

const OURS = 'sluice-cni'

function listOf({ cniVersion, name, ...plugin }: v.InferOutput<typeof single>): unknown {
  return { cniVersion, name, plugins: [plugin] }
}
