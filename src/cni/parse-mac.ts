/**
 * The MAC address of one interface, in lower case. IEEE 802: the lowest bit of the first byte tells groups; of all
 * zeros, the kernel makes none.
 */
export function parseMac(text: string): string | undefined {
  const isMac = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/iu.test(text) && !/^[0:]+$/u.test(text)
  return isMac ? text.toLowerCase() : undefined
}
