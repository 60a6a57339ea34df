/** One instrument for each combination of label values, made when it is first asked for. */
export class Family<Instrument> {
  readonly #create: () => Instrument
  readonly #members = new Map<string, readonly [labels: readonly string[], Instrument]>()

  constructor(create: () => Instrument) {
    this.#create = create
  }

  /** @param labels few different ones: each combination stays for good */
  of(...labels: readonly string[]): Instrument {
    const key = labels.join('\0')
    const known = this.#members.get(key)
    if (known !== undefined) return known[1]
    const instrument = this.#create()
    this.#members.set(key, [labels, instrument])
    return instrument
  }

  entries(): readonly (readonly [labels: readonly string[], Instrument])[] {
    return [...this.#members.values()]
  }
}
