import { attributes } from './attributes.ts'

/** linux/neighbour.h; neighbours and forwarding entries of links have one table. */
export const NDA = attributes({
  NDA_DST: [1, 'binary'],
  NDA_LLADDR: [2, 'binary'],
  NDA_IFINDEX: [8, 'u32'],
})

/** linux/neighbour.h: ndm_state of what nobody asks for. */
export const NUD_NOARP = 0x40
/** linux/neighbour.h: ndm_state of what was made by hand, neither expires nor changes by itself. */
export const NUD_PERMANENT = 0x80
/** linux/neighbour.h: ndm_flags of entries of the link itself, not of a bridge that it belongs to. */
export const NTF_SELF = 0x02
