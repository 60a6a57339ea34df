import { align } from './attributes.ts'
import { nlmsghdr } from './headers.ts'

/** What a message is told by. Numbers are bytes, as the kernel has them in its own messages. */
export type Condition =
  /** nlmsg_type is this. */
  | { readonly type: number }
  /** nlmsg_pid is this: the port id of a socket, or 0 for what the kernel does by itself. */
  | { readonly portId: number }
  /** This byte of the family's fixed header is one of a range, both ends included. */
  | { readonly byte: number; readonly from: number; readonly to: number }
  /** There is no such attribute behind a fixed header of so many bytes. */
  | { readonly without: number; readonly header: number }
  /** There is, and the bits of a mask are these in the first four bytes of its value, the first byte highest. */
  | {
      readonly attribute: number
      readonly header: number
      readonly bits: number
      readonly mask: number
    }

/**
 * A program of the classic BPF machine (linux/filter.h) that keeps the messages away from a socket to which all
 * conditions of one of the lists apply: they are never queued, and nobody is woken for them. It sees notifications,
 * of which each is a datagram of its own; of other datagrams the first message.
 *
 * Every attribute that `bits` asks for has at least four bytes; the machine drops a message in which it reads too far.
 */
export function dropMessages(lists: readonly (readonly Condition[])[]): Uint8Array {
  const program = [...lists.flatMap(dropIfAll), RETURN_ALL]
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES)
  const view = new DataView(bytes.buffer)
  program.forEach(({ code, ifTrue = 0, ifFalse = 0, value }, index) => {
    const at = index * INSTRUCTION_BYTES
    view.setUint16(at, code, true)
    view.setUint8(at + 2, ifTrue)
    view.setUint8(at + 3, ifFalse)
    view.setUint32(at + 4, value, true)
  })
  return bytes
}

/** struct sock_filter (linux/filter.h), little-endian like everything here. Jumps skip so many of the instructions that follow. */
interface Instruction {
  readonly code: number
  readonly ifTrue?: number
  readonly ifFalse?: number
  readonly value: number
}
const INSTRUCTION_BYTES = 8

/** linux/bpf_common.h */
const LOAD_WORD = 0x20
const LOAD_HALF = 0x28
const LOAD_BYTE = 0x30
const LOAD_WORD_AT_INDEX = 0x40
const LOAD_NUMBER = 0x00
const INDEX_NUMBER = 0x01
const INDEX_LOADED = 0x07
const AND = 0x54
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_GREATER = 0x25
const JUMP_IF_NOT_LESS = 0x35
const RETURN = 0x06

/** linux/filter.h: SKF_AD_OFF + SKF_AD_NLATTR: where, from A on, the attribute is whose type X holds; 0 if nowhere. */
const FIND_ATTRIBUTE: Instruction = { code: LOAD_WORD, value: 0xffff_f000 + 12 }
const RETURN_ALL: Instruction = { code: RETURN, value: 0xffff_ffff }
const DROP: Instruction = { code: RETURN, value: 0 }

/** Whatever does not hold skips the rest of its list. */
function dropIfAll(conditions: readonly Condition[]): Instruction[] {
  let after: Instruction[] = [DROP]
  for (const condition of conditions.toReversed()) {
    after = [...test(condition, after.length), ...after]
  }
  return after
}

/** @param skip instructions after the test, to be skipped unless it holds */
function test(condition: Condition, skip: number): Instruction[] {
  if ('type' in condition) {
    return [
      { code: LOAD_HALF, value: TYPE_OFFSET },
      { code: JUMP_IF_EQUAL, value: asLoaded(Uint16Array.of(condition.type)), ifFalse: skip },
    ]
  }
  if ('portId' in condition) {
    return [
      { code: LOAD_WORD, value: PORT_ID_OFFSET },
      { code: JUMP_IF_EQUAL, value: asLoaded(Uint32Array.of(condition.portId)), ifFalse: skip },
    ]
  }
  if ('byte' in condition) {
    return [
      { code: LOAD_BYTE, value: nlmsghdr.bytes + condition.byte },
      { code: JUMP_IF_NOT_LESS, value: condition.from, ifFalse: skip + 1 },
      { code: JUMP_IF_GREATER, value: condition.to, ifTrue: skip },
    ]
  }
  if ('without' in condition) {
    return [
      ...findAttribute(condition.without, condition.header),
      { code: JUMP_IF_EQUAL, value: 0, ifFalse: skip },
    ]
  }
  const { attribute, header, bits, mask } = condition
  return [
    ...findAttribute(attribute, header),
    { code: JUMP_IF_EQUAL, value: 0, ifTrue: skip + 4 },
    { code: INDEX_LOADED, value: 0 },
    { code: LOAD_WORD_AT_INDEX, value: ATTRIBUTE_HEADER_BYTES },
    { code: AND, value: mask },
    { code: JUMP_IF_EQUAL, value: bits, ifFalse: skip },
  ]
}

function findAttribute(type: number, header: number): Instruction[] {
  return [
    { code: INDEX_NUMBER, value: type },
    { code: LOAD_NUMBER, value: nlmsghdr.bytes + align(header) },
    FIND_ATTRIBUTE,
  ]
}

/** linux/netlink.h: struct nlmsghdr, struct nlattr */
const TYPE_OFFSET = 4
const PORT_ID_OFFSET = 12
const ATTRIBUTE_HEADER_BYTES = 4

/** The machine loads everything in network byte order; headers are in the order of the processor. */
function asLoaded(number: Uint16Array | Uint32Array): number {
  return new Uint8Array(number.buffer).reduce((value, byte) => value * 256 + byte, 0)
}
