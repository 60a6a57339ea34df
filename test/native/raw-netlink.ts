import assert from 'node:assert/strict'
import { openSocket } from '../../src/netlink/native.ts'
import type { NativeSocket, SocketOption } from '../../src/netlink/native.ts'

// Just enough rtnetlink, by hand, to test the addon on its own. Numbers: linux/netlink.h, rtnetlink.h.
const AF_NETLINK = 16
const SOCK_RAW = 3
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const RTNLGRP_LINK = 1
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLM_F_DUMP = 0x300
const IFF_UP = 1

export const LOOPBACK = 1

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const RTM_NEWLINK = 16
const RTM_GETLINK = 18

export interface RawSocketOptions {
  readonly netns?: string
  readonly receiveBufferBytes?: number
  readonly listen?: boolean
}

export function openRoute(options: RawSocketOptions = {}): NativeSocket {
  const { netns, receiveBufferBytes, listen = false } = options
  const membership: SocketOption = [SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK]
  const address = new Uint8Array(12)
  address[0] = AF_NETLINK
  return openSocket({
    domain: AF_NETLINK,
    type: SOCK_RAW,
    protocol: 0,
    netns,
    receiveBufferBytes,
    bind: address,
    options: listen ? [membership] : [],
  })
}

/** RTM_GETLINK of one interface, or of all with index 0. */
export function getLink(index: number, sequence: number): Uint8Array {
  const flags = index === 0 ? NLM_F_REQUEST | NLM_F_DUMP : NLM_F_REQUEST
  return linkMessage(RTM_GETLINK, flags, sequence, index, 0)
}

/** RTM_NEWLINK that sets an interface up or down, to be acknowledged. */
export function setLink(index: number, up: boolean, sequence: number): Uint8Array {
  return linkMessage(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, index, up ? IFF_UP : 0)
}

export interface RawMessage {
  readonly type: number
  readonly sequence: number
  readonly payload: DataView
}

export function messagesIn(datagram: Uint8Array): RawMessage[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  const messages: RawMessage[] = []
  for (let at = 0; at + 16 <= view.byteLength; at += (view.getUint32(at, true) + 3) & ~3) {
    const length = view.getUint32(at, true)
    messages.push({
      type: view.getUint16(at + 4, true),
      sequence: view.getUint32(at + 8, true),
      payload: new DataView(view.buffer, view.byteOffset + at + 16, length - 16),
    })
  }
  return messages
}

const buffer = new Uint8Array(65536)

export function receiveMessages(socket: NativeSocket): RawMessage[] {
  const length = socket.receive(buffer)
  return length < 0 ? [] : messagesIn(buffer.slice(0, length))
}

/** Sets the loopback of a namespace up, then down and up by turns: `times` messages to listeners. */
export function changeLoopback(netns: string, times: number): void {
  const socket = openRoute({ netns })
  for (let i = 0; i < times; i++) {
    socket.send(setLink(LOOPBACK, i % 2 === 0, i))
    const [ack] = receiveMessages(socket)
    assert.equal(ack?.type, NLMSG_ERROR)
    assert.equal(ack.payload.getInt32(0, true), 0)
  }
  socket.close()
}

function linkMessage(
  type: number,
  flags: number,
  sequence: number,
  index: number,
  state: number,
): Uint8Array {
  const message = new Uint8Array(32)
  const view = new DataView(message.buffer)
  view.setUint32(0, message.length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, sequence, true)
  view.setInt32(20, index, true)
  view.setUint32(24, state, true)
  view.setUint32(28, IFF_UP, true)
  return message
}
