/** The API's rules for names (`apimachinery/pkg/util/validation`): what is wrong with a text, or undefined. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_LABEL = new RegExp(`^${LABEL}$`)
const DNS_SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`)
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

/** Names of namespaces (RFC 1123 label). */
export function dnsLabelFault(text: string): string | undefined {
  if (text.length > 63) return 'must have at most 63 characters'
  return DNS_LABEL.test(text)
    ? undefined
    : 'must be lower-case letters, digits and "-", with a letter or digit at both ends'
}

/** Names of most other objects (RFC 1123 subdomain). */
export function dnsSubdomainFault(text: string): string | undefined {
  if (text.length > 253) return 'must have at most 253 characters'
  return DNS_SUBDOMAIN.test(text)
    ? undefined
    : 'must be lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part'
}

/** `name` or `prefix/name`. */
export function labelKeyFault(text: string): string | undefined {
  const slash = text.lastIndexOf('/')
  const prefix = slash < 0 ? undefined : dnsSubdomainFault(text.slice(0, slash))
  if (prefix !== undefined) return `has a prefix before "/" that is no DNS name: it ${prefix}`
  const name = text.slice(slash + 1)
  if (name === '') return 'is a label key without a name'
  return qualifiedFault(name)
}

export function labelValueFault(text: string): string | undefined {
  return text === '' ? undefined : qualifiedFault(text)
}

/** Names of ports (`IsValidPortName`). */
export function portNameFault(text: string): string | undefined {
  if (/^\d+$/.test(text)) return 'must be a number without quotes, or a name with a letter in it'
  if (text.length > 15) return 'must have at most 15 characters'
  if (!/^[-a-z0-9]+$/.test(text)) return 'must be lower-case letters, digits and "-"'
  if (!/[a-z]/.test(text)) return 'must have a letter in it'
  return /^-|--|-$/.test(text) ? 'must have no "-" at an end or beside another' : undefined
}

function qualifiedFault(text: string): string | undefined {
  if (text.length > 63) return 'must have at most 63 characters'
  return QUALIFIED.test(text)
    ? undefined
    : 'must be letters, digits, "-", "_" and ".", with a letter or digit at both ends'
}
