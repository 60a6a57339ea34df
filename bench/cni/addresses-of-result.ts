import * as v from 'valibot'

const addResult = v.object({ ips: v.array(v.object({ address: v.string() })) })

/** The addresses that ADD gave a pod, in words. @param output what the plugin printed */
export function addressesOfResult(output: string): string[] {
  const { ips } = v.parse(addResult, JSON.parse(output))
  return ips.map(({ address }) => address.replace(/\/.*/u, ''))
}
