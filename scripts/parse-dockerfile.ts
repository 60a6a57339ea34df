/** An instruction of a Dockerfile, as far as ours uses them. */
export type Instruction = { readonly source: string } & (
  | { readonly kind: 'FROM'; readonly image: string; readonly name: string | undefined }
  | { readonly kind: 'RUN'; readonly command: string }
  | { readonly kind: 'WORKDIR'; readonly path: string }
  | {
      readonly kind: 'COPY'
      /** A stage; the build context without. */
      readonly from: string | undefined
      readonly sources: readonly string[]
      readonly target: string
    }
  /** Of the container, not of its files. */
  | { readonly kind: 'setting' }
)

/** @throws Error naming the line of an instruction, or of a form of one, that it does not know */
export function parseDockerfile(text: string): Instruction[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseLine)
}

function parseLine(source: string): Instruction {
  const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(source) ?? []
  switch (word) {
    case 'FROM': {
      const [image = '', as, name] = rest.split(/\s+/)
      if (as !== undefined && as !== 'AS') break
      return { source, kind: 'FROM', image, name }
    }
    case 'RUN':
      // The other form, a JSON array, is not for a shell.
      if (rest.startsWith('[') || rest.startsWith('--')) break
      return { source, kind: 'RUN', command: rest }
    case 'WORKDIR':
      return { source, kind: 'WORKDIR', path: rest }
    case 'COPY':
      return { source, kind: 'COPY', ...parseCopy(rest) }
    case 'ENV':
    case 'USER':
    case 'ENTRYPOINT':
      return { source, kind: 'setting' }
  }
  throw new Error(`The Dockerfile's line "${source}" is of a form that is not known here.`)
}

function parseCopy(rest: string) {
  const words = rest.split(/\s+/)
  const from = /^--from=(.+)$/.exec(words[0] ?? '')?.[1]
  const paths = from === undefined ? words : words.slice(1)
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '' }
}
