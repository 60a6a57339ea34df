/** Bytes from the kernel that are not what their table says. `attribute` is the kernel's name of the place. */
export class NetlinkDecodeError extends Error {
  override readonly name = 'NetlinkDecodeError'
  readonly code = 'NETLINK_DECODE'
  readonly attribute: string

  constructor(attribute: string, problem: string) {
    super(`${attribute} from the kernel cannot be read: ${problem}`)
    this.attribute = attribute
  }
}

/** A value that does not fit its attribute: a mistake of the caller, found before anything is sent. */
export class NetlinkEncodeError extends Error {
  override readonly name = 'NetlinkEncodeError'
  readonly code = 'NETLINK_ENCODE'
  readonly attribute: string

  constructor(attribute: string, problem: string) {
    super(`${attribute} cannot be sent to the kernel: ${problem}`)
    this.attribute = attribute
  }
}
