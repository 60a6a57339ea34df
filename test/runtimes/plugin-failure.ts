import * as v from 'valibot'

/** A plugin ended with an error (CNI specification 1.1.0, section 5). */
export class PluginFailure extends Error {
  override readonly name = 'PluginFailure'
  /** Undefined where it printed no error that could be read. */
  readonly code: number | undefined

  constructor(plugin: string, command: string, stdout: string) {
    const parsed = v.safeParse(error, read(stdout))
    const words = parsed.success
      ? [`code ${parsed.output.code}`, parsed.output.msg, parsed.output.details]
      : [JSON.stringify(stdout.slice(0, 400))]
    super(`${plugin} failed (${command}): ${words.filter(Boolean).join(': ')}`)
    this.code = parsed.success ? parsed.output.code : undefined
  }
}

const error = v.object({ code: v.number(), msg: v.string(), details: v.optional(v.string()) })

function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
