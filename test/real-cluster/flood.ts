// Sends datagrams to every address of a range, over and over, until it is stopped. Run in a pod's namespace:
//   node flood.ts PREFIX FIRST LAST PORT, such as 10.244.1. 2 200 9
import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'

const [prefix = '', first = '', last = '', port = ''] = process.argv.slice(2)
const socket = createSocket('udp4')
// Nobody listens: refusals are no news.
socket.on('error', () => {})
const ROUND_MS = 10
for (;;) {
  for (let host = Number(first); host <= Number(last); host++) {
    socket.send('flood', Number(port), `${prefix}${host}`, () => {})
  }
  await delay(ROUND_MS)
}
