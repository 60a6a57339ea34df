/** Something wrong in the manifests, and where. */
export interface ManifestProblem {
  /** An error costs the object its effect (or closes what it names); a warning does not. */
  readonly severity: 'error' | 'warning'
  readonly file: string
  /** Place of the document in the file and its line, both from 1; `undefined`: the file as a whole. */
  readonly document: number | undefined
  readonly line: number | undefined
  /** `NetworkPolicy production/allow-api`, or '' where that could not be read. */
  readonly object: string
  /** The field, such as `spec.ingress[0].ports[1].endPort`, or '' for the object as a whole. */
  readonly path: string
  readonly message: string
}

/** One line: `net.yaml:14: document 2, NetworkPolicy production/allow-api spec.egress: …`. */
export function problemText(problem: ManifestProblem): string {
  const { file, document, line, object, path, message, severity } = problem
  const place = line === undefined ? file : `${file}:${line}`
  const named = [object, path].filter((part) => part !== '').join(' ')
  const numbered = document === undefined ? '' : `document ${document}`
  const subject = [numbered, named].filter((part) => part !== '').join(', ')
  const parts = [place, subject, severity === 'warning' ? 'warning' : '', message]
  return parts.filter((part) => part !== '').join(': ')
}
