import type { ListedBaseChain } from '../nftables/list.ts'
import type { ReadRule, RuleCondition } from '../nftables/read-rule.ts'
import { familyOf } from '../policy/address.ts'
import { FAMILIES, type KernelState } from './kernel-state.ts'

/** By what packets of this node's pods are told. */
export interface PodTraffic {
  /** Host interfaces of pods begin so. */
  readonly interfacePrefix: string
  readonly state: Pick<KernelState, 'ranges' | 'locals' | 'chainedInterfaces'>
}

/** Where a verdict of another table comes upon packets of pods; what goes to or comes from the node itself is its own affair. */
export const POD_HOOKS: ReadonlySet<string> = new Set(['prerouting', 'forward', 'postrouting'])

/**
 * What a chain of another table does to packets of pods whatever Sluice says: an accept of ours does not override
 * another's drop, and what is not tracked is judged packet by packet. Only what is plain to see is told: no policy, or
 * a rule without conditions, that an earlier rule takes pods out of; nor a rule with conditions that are not read.
 *
 * @returns a sentence for each
 */
export function foreignObstacles(
  { table, chain, base }: ListedBaseChain,
  rules: readonly ReadRule[],
  traffic: PodTraffic,
): string[] {
  const name = `chain ${chain} of table ${table.family} ${table.table}`
  const found = new Set<string>()
  let isAccepted = false
  for (const { end, conditions } of rules) {
    if (!conditions.every((condition) => isOfPods(condition, traffic))) continue
    if (end === 'accept') isAccepted = true
    else if (end !== 'other' && !(isAccepted && conditions.length === 0)) found.add(RULE[end](name))
  }
  if (base.policy === 'drop' && !isAccepted) found.add(dropsByPolicy(name))
  return [...found]
}

const RULE: Readonly<Record<'drop' | 'reject' | 'notrack', (chain: string) => string>> = {
  drop: (chain) => refuses('drops', chain),
  reject: (chain) => refuses('rejects', chain),
  notrack: (chain) =>
    `A rule in ${chain} keeps packets of pods from connection tracking, so that answers to them are refused like new connections: exempt the pods of this node from it.`,
}

function refuses(verb: string, chain: string): string {
  return `A rule in ${chain} ${verb} packets of pods, whatever policy allows: take it away, or accept the pods of this node before it.`
}

function dropsByPolicy(chain: string): string {
  return `The policy of ${chain} drops what no rule there accepts, and none accepts packets of pods: accept the pods of this node there, or set the policy to accept.`
}

/** Whether some packet of a pod meets it. */
function isOfPods(condition: RuleCondition, { interfacePrefix, state }: PodTraffic): boolean {
  if (condition.kind === 'other') return false
  if (condition.kind === 'interface') {
    const { name, isPrefix } = condition
    const isBroader = isPrefix && interfacePrefix.startsWith(name)
    return isBroader || name.startsWith(interfacePrefix) || state.chainedInterfaces.has(name)
  }
  const { first, last } = condition
  const meets = (from: typeof first, to: typeof first): boolean =>
    familyOf(from) === familyOf(first) && from <= last && first <= to
  const ranges = FAMILIES.flatMap((family) => state.ranges.pods[family])
  return (
    ranges.some((range) => meets(range.first, range.last)) ||
    state.locals.keys().some((address) => meets(address, address))
  )
}
