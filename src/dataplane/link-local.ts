import {
  counter,
  drop,
  match,
  oneOf,
  returnVerdict,
  type Statement,
} from '../nftables/statements.ts'

/** What IPv6 needs from link-local and unspecified sources: neighbour discovery and group membership. */
export const linkLocalRules: readonly (readonly Statement[])[] = [
  [
    oneOf('icmpv6 type', ['nd-neighbor-solicit', 'nd-neighbor-advert', 'nd-router-solicit']),
    match('ip6 hoplimit', '==', 255),
    returnVerdict,
  ],
  [
    oneOf('icmpv6 type', ['mld-listener-report', 'mld-listener-done', 'mld2-listener-report']),
    returnVerdict,
  ],
  [counter('spoofed'), drop],
]
