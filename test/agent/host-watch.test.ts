import { pino } from 'pino'
import { expect, test } from 'vitest'
import { HostWatch } from '../../src/agent/host-watch.ts'

test('each problem is told once when it comes and once when it has gone', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  let now: readonly string[] | Error = []
  const look = () => (now instanceof Error ? Promise.reject(now) : Promise.resolve(now))
  const watch = new HostWatch({ look, log })
  const said = async (next: typeof now): Promise<unknown[]> => {
    now = next
    await watch.check()
    return lines.splice(0).map(({ event, msg, problem }) => [event, problem ?? msg])
  }
  expect(await said([])).toEqual([])
  expect(await said(['one'])).toEqual([['host.defeats', 'one']])
  expect(await said(['one', 'two'])).toEqual([['host.defeats', 'two']])
  expect(watch.problems).toEqual(['one', 'two'])
  expect(await said(new Error('no'))).toEqual([['host.unread', 'the state of the node is unknown']])
  expect(watch.problems).toEqual(['one', 'two'])
  expect(await said(['two'])).toEqual([['host.mended', 'one']])
})
