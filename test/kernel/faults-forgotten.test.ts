import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Outcome } from '../../src/lab/place-messages.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'

/**
 * Pods that the source has no more and whose containers run on, as after `kubectl delete --force`: their verdicts, and
 * those of others about them, stay as they were until DEL, whether or not the agent is another one meanwhile.
 */
const cluster = new SmallCluster(1)
const NAMES = ['web', 'client', 'other']
const PORT = 5000
const PATIENCE_MS = 200
const ANSWERED: Outcome = { kind: 'answered', by: 'web' }
const REFUSED: Outcome = { kind: 'unanswered', detail: expect.any(String) }

const places = new Map<string, Place>()

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('web', 'web', { ingress: [{ from: apps('client') }] }))
  await cluster.add(...NAMES.map((name) => ({ name })))
  for (const name of NAMES) {
    const { netns, addresses } = cluster.pod(name)
    const place = new Place({ name, netns })
    places.set(name, place)
    const services = addresses.map((address) => ({ address: formatAddress(address), port: PORT }))
    await place.listen(services.map((service) => ({ protocol: 'TCP', ...service })))
  }
})

afterAll(async () => {
  await Promise.all(Array.from(places.values(), (place) => place.close()))
  await cluster.stop()
})

test('for the agent that was told of them', async () => {
  for (const name of NAMES) await cluster.tell(name, undefined)
  expect(await knockAtWeb('client')).toEqual([ANSWERED, ANSWERED])
  expect(await knockAtWeb('other')).toEqual([REFUSED, REFUSED])
})

test('for the next one, which nobody tells of them', async () => {
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  expect(await knockAtWeb('client')).toEqual([ANSWERED, ANSWERED])
  expect(await knockAtWeb('other')).toEqual([REFUSED, REFUSED])
})

test('what was told last counts, also when it was told long after ADD', async () => {
  await cluster.tell('other', 'client')
  expect(await knockAtWeb('other')).toEqual([ANSWERED, ANSWERED])
  await cluster.killAgent(cluster.node)
  await cluster.tell('other', undefined)
  await cluster.startAgent(cluster.node)
  expect(await knockAtWeb('other')).toEqual([ANSWERED, ANSWERED])
})

test('whoever is told of again, has the labels that the source tells', async () => {
  await cluster.killAgent(cluster.node)
  await cluster.tell('client', 'stranger')
  await cluster.startAgent(cluster.node)
  expect(await knockAtWeb('client')).toEqual([REFUSED, REFUSED])
  expect(await knockAtWeb('other')).toEqual([ANSWERED, ANSWERED])
})

/** Of both families. */
function knockAtWeb(from: string): Promise<Outcome[]> {
  const place = places.get(from)
  if (place === undefined) throw new Error(`There is no place ${from}.`)
  const addressOf = (name: string, family: 4 | 6) =>
    formatAddress(ofFamily(cluster.pod(name).addresses, family))
  return Promise.all(
    ([4, 6] as const).map((family) =>
      place.knock({
        protocol: 'TCP',
        from: addressOf(from, family),
        to: addressOf('web', family),
        port: PORT,
        timeoutMs: PATIENCE_MS,
      }),
    ),
  )
}
