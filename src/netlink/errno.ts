import { constants } from 'node:os'

/** The name of an error number, such as `ENOENT` for 2. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}

/** Where two names have one number, the one that the kernel uses. */
const names = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, errno]) => [errno, name] as const),
  [constants.errno.EAGAIN, 'EAGAIN'],
  [constants.errno.EOPNOTSUPP, 'EOPNOTSUPP'],
  // linux/errno.h, of nf_tables: the generation id has moved on; and of some netlink families.
  [85, 'ERESTART'],
  [524, 'ENOTSUPP'],
])
