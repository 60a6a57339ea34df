/** What an unquoted YAML scalar may be once read. */
export type Scalar = string | number | boolean | null

/**
 * The value of an unquoted YAML scalar as kubectl reads it: the words and numbers of YAML 1.1 without its
 * dates and base-60 numbers, which stay strings (sigs.k8s.io/yaml, goyaml.v2 `resolve`). Infinity and NaN,
 * which JSON does not know, stay strings as well.
 */
export function plainScalar(text: string): Scalar {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (!/^[-+.0-9]/.test(text)) return text
  return number(text.startsWith('.') ? text : text.replaceAll('_', '')) ?? text
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...words(true, ['y', 'yes', 'on', 'true']),
  ...words(false, ['n', 'no', 'off', 'false']),
  ...words(null, ['null']),
  ['', null],
  ['~', null],
])

/** Each word in its three accepted spellings: `yes`, `Yes`, `YES`. */
function words<Value>(value: Value, spellings: readonly string[]): [string, Value][] {
  return spellings.flatMap((word) => {
    const capitalised = word.charAt(0).toUpperCase() + word.slice(1)
    return [word, capitalised, word.toUpperCase()].map((text): [string, Value] => [text, value])
  })
}

// A leading 0 means octal as long as all digits are octal ones: 010 is 8, and 08 is the decimal 8.
const RADIX = /^([-+]?)0(?:[xX](?<hex>[0-9a-fA-F]+)|[bB](?<binary>[01]+)|[oO]?(?<octal>[0-7]+))$/
const DECIMAL = /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/

function number(text: string): number | undefined {
  const { hex, binary, octal } = RADIX.exec(text)?.groups ?? {}
  const sign = text.startsWith('-') ? -1 : 1
  if (hex !== undefined) return sign * Number.parseInt(hex, 16)
  if (binary !== undefined) return sign * Number.parseInt(binary, 2)
  if (octal !== undefined) return sign * Number.parseInt(octal, 8)
  return DECIMAL.test(text) ? Number(text) : undefined
}
