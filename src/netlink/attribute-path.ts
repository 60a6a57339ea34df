import { align, NLA_HDRLEN, NLA_TYPE_MASK } from './attributes.ts'
import type { Attribute, AttributeTable } from './attributes.ts'

export interface AttributePath {
  /** Such as `NFTA_SET_ELEM_LIST_ELEMENTS[0]/NFTA_SET_ELEM_KEY`. */
  readonly text: string
  /** What the attribute at the end of the path may contain, if that is known. */
  readonly content: AttributeTable | undefined
}

/**
 * The attribute of a request that lies at `offset` in its encoded attributes; undefined if none does. The
 * path ends early where the table knows no more, as inside bytes whose table depends on another attribute.
 */
export function attributePath(
  table: AttributeTable,
  bytes: Uint8Array,
  offset: number,
): AttributePath | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const slot = slotAt(view, 0, bytes.length, offset)
  const attribute = slot && table.byNumber[slot.number]
  if (!slot || !attribute) return undefined
  return descend(view, slot, attribute, attribute.name, offset)
}

interface Slot {
  readonly number: number
  readonly start: number
  readonly end: number
  /** How many attributes of the same nest lie before it. */
  readonly index: number
}

function descend(
  view: DataView,
  { start, end }: Slot,
  { type }: Attribute,
  text: string,
  offset: number,
): AttributePath {
  if (typeof type === 'string') return { text, content: undefined }
  const content = type.kind === 'nested' ? type.table : undefined
  const slot =
    offset < start + NLA_HDRLEN ? undefined : slotAt(view, start + NLA_HDRLEN, end, offset)
  if (!slot) return { text, content }
  if (type.kind === 'list') return descend(view, slot, type.item, `${text}[${slot.index}]`, offset)
  const attribute = type.table.byNumber[slot.number]
  if (!attribute) return { text, content }
  return descend(view, slot, attribute, `${text}/${attribute.name}`, offset)
}

/** Never throws: it explains an error, and the bytes may be what was wrong. */
function slotAt(view: DataView, start: number, end: number, offset: number): Slot | undefined {
  for (let at = start, index = 0; at + NLA_HDRLEN <= end; index++) {
    const length = view.getUint16(at, true)
    if (length < NLA_HDRLEN || at + length > end) return undefined
    if (offset >= at && offset < at + length) {
      return {
        number: view.getUint16(at + 2, true) & NLA_TYPE_MASK,
        start: at,
        end: at + length,
        index,
      }
    }
    at += align(length)
  }
  return undefined
}
