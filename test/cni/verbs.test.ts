import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniHandler, createHandler } from '../../src/cni/verbs.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { PodNetworkError } from '../../src/pods/errors.ts'
import { takeOver } from '../../src/pods/take-over.ts'
import { createScene, LAST_TOLD, type Scene, type Step } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

let scene: Scene
let handle: CniHandler

beforeEach(() => {
  scene = createScene()
  handle = createHandler({ ...scene, inTurn: createInTurn() })
})

afterEach(() => {
  scene.dispose()
})

const HOST = attachmentIdOf({ containerId: 'c1', ifName: 'eth0' })

async function expectNothingLeft(): Promise<void> {
  await scene.reaper.reap()
  expect([...scene.interfaces]).toEqual([])
  expect(scene.ipam.usage()[0]?.used).toBe(0)
  expect(scene.records.all().filter(({ releasedAt }) => releasedAt === undefined)).toEqual([])
}

describe('ADD', () => {
  test('address and record, link, policy, and only then the link goes up', async () => {
    const reply = await handle(requestOf('ADD'))
    expect(reply.exitCode).toBe(0)
    expect(bodyOf(reply)).toMatchObject({
      cniVersion: '1.1.0',
      interfaces: [{ name: HOST }, { name: 'eth0', sandbox: '/run/netns/c1' }],
      ips: [{ address: '10.0.0.2/32' }],
    })
    expect(scene.log).toEqual(['create cart-0', 'attach cart-0 10.0.0.2', 'raise cart-0'])
    expect(scene.files()).toEqual([`${HOST}.json`])
  })

  test('the record says what is known of the pod, without being written again', async () => {
    const put = vi.spyOn(scene.records, 'put')
    await handle(requestOf('ADD'))
    expect(put).toHaveBeenCalledTimes(1)
    expect(scene.restart().records.get(HOST)?.lastTold).toEqual(LAST_TOLD)
  })

  test('the record is there before the link is', async () => {
    let recorded = false
    const wiring = {
      ...scene.wiring,
      create: (...args: Parameters<typeof scene.wiring.create>) => {
        recorded = scene.files().includes(`${HOST}.json`)
        return scene.wiring.create(...args)
      },
    }
    const reply = await createHandler({ ...scene, wiring, inTurn: createInTurn() })(
      requestOf('ADD'),
    )
    expect(reply.exitCode).toBe(0)
    expect(recorded).toBe(true)
  })

  test('an attachment that exists is an error, and stays as it is', async () => {
    await handle(requestOf('ADD'))
    const again = await handle(requestOf('ADD'))
    expect(bodyOf(again)).toMatchObject({
      code: 100,
      msg: 'Container c1 already has shop/cart-0 (eth0); DEL it first',
    })
    expect([...scene.interfaces]).toEqual([HOST])
    expect(scene.ipam.usage()[0]?.used).toBe(1)
  })

  test('after another plugin it is refused, and nothing is done', async () => {
    const reply = await handle(requestOf('ADD', {}, { prevResult: { ips: [] } }))
    expect(bodyOf(reply)).toMatchObject({
      code: 2,
      msg: 'The network sluice lists sluice-cni after another plugin (prevResult), and this agent wires pods itself; run it with --chained, or make sluice-cni the first of the list',
    })
    expect(scene.log).toEqual([])
  })

  test('a limit is there before anything can pass, and only where it is asked for', async () => {
    const bandwidth = { ingressRate: 8_000_000, ingressBurst: 80_000 }
    await handle(requestOf('ADD', {}, { runtimeConfig: { bandwidth } }))
    expect(scene.log).toEqual([
      'create cart-0',
      'shape cart-0',
      'attach cart-0 10.0.0.2',
      'raise cart-0',
    ])
  })

  test('a host port that is another pod’s is refused, costs no address, and is free after DEL', async () => {
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }]
    const config = { runtimeConfig: { portMappings } }
    await handle(requestOf('ADD', {}, config))
    expect(scene.records.get(HOST)?.portMappings).toEqual([
      { hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIp: undefined },
    ])
    const other = { CNI_CONTAINERID: 'c2' }
    const refused = await handle(requestOf('ADD', other, config))
    expect(bodyOf(refused)).toMatchObject({
      code: 105,
      msg: expect.stringMatching(/^Host port 8080\/TCP that shop\/cart-0 \(eth0\) asks for is /u),
    })
    expect(scene.ipam.usage()[0]?.used).toBe(1)
    await handle(requestOf('DEL'))
    // The address that the refused ADD had for a moment needs no rest.
    expect(bodyOf(await handle(requestOf('ADD', other, config)))).toMatchObject({
      ips: [{ address: '10.0.0.3/32' }],
    })
  })

  test('the address that is asked for in CNI_ARGS, unless the configuration asks', async () => {
    const CNI_ARGS = 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0;IP=10.0.0.8'
    const by = await handle(requestOf('ADD', { CNI_ARGS }))
    expect(bodyOf(by)).toMatchObject({ ips: [{ address: '10.0.0.8/32' }] })
    const config = { runtimeConfig: { ips: ['10.0.0.9'] } }
    const both = await handle(requestOf('ADD', { CNI_ARGS, CNI_CONTAINERID: 'c2' }, config))
    expect(bodyOf(both)).toMatchObject({ ips: [{ address: '10.0.0.9/32' }] })
  })

  test('the requested address', async () => {
    const config = { runtimeConfig: { ips: ['10.0.0.9/24'] } }
    expect(bodyOf(await handle(requestOf('ADD', {}, config)))).toMatchObject({
      ips: [{ address: '10.0.0.9/32' }],
    })
  })

  test.each([
    ['10.0.0.300', 7, 'runtimeConfig.ips.0 must be an address, not "10.0.0.300"'],
    ['10.7.0.1', 102, 'The address 10.7.0.1 asked for'],
  ])('the requested address %s is refused', async (text, code, message) => {
    const reply = await handle(requestOf('ADD', {}, { runtimeConfig: { ips: [text] } }))
    expect(reply.exitCode).toBe(1)
    expect(bodyOf(reply)).toMatchObject({ code, msg: expect.stringContaining(message) })
    await expectNothingLeft()
  })

  test.each<[Step, Error, number, string, string[]]>([
    [
      'create',
      new PodNetworkError('interfaceExists', 'It has an eth0'),
      100,
      'It has an eth0',
      ['create cart-0', `remove ${HOST}`, 'detach cart-0 10.0.0.2'],
    ],
    [
      'create',
      new PodNetworkError('namespaceGone', 'It is gone'),
      3,
      'It is gone',
      ['create cart-0', `remove ${HOST}`, 'detach cart-0 10.0.0.2'],
    ],
    [
      'attach',
      new Error('the kernel refused'),
      104,
      'The policy of shop/cart-0 (eth0) could not be put into force: the kernel refused',
      ['create cart-0', 'attach cart-0 10.0.0.2', `remove ${HOST}`, 'detach cart-0 10.0.0.2'],
    ],
    [
      'raise',
      new PodNetworkError('wiringFailed', 'No route'),
      103,
      'No route',
      [
        'create cart-0',
        'attach cart-0 10.0.0.2',
        'raise cart-0',
        `remove ${HOST}`,
        'detach cart-0 10.0.0.2',
      ],
    ],
    [
      'raise',
      new TypeError('x is undefined'),
      199,
      'shop/cart-0 (eth0) got no network: x is undefined',
      [
        'create cart-0',
        'attach cart-0 10.0.0.2',
        'raise cart-0',
        `remove ${HOST}`,
        'detach cart-0 10.0.0.2',
      ],
    ],
  ])('%s fails (%s): nothing is left', async (step, error, code, msg, log) => {
    scene.failing.set(step, error)
    const reply = await handle(requestOf('ADD'))
    expect(reply.exitCode).toBe(1)
    expect(bodyOf(reply)).toEqual({ cniVersion: '1.1.0', code, msg })
    expect(scene.log).toEqual(log)
    await expectNothingLeft()
    scene.failing.clear()
    expect((await handle(requestOf('ADD'))).exitCode).toBe(0)
  })

  test('a record that cannot be written gives the address back', async () => {
    scene.records.put = () => {
      throw new PodNetworkError('recordFailed', 'No space')
    }
    expect(bodyOf(await handle(requestOf('ADD')))).toMatchObject({ code: 5, msg: 'No space' })
    expect(scene.log).toEqual([])
    await expectNothingLeft()
  })

  test('when undoing fails as well, both are told, and DEL finishes', async () => {
    scene.failing.set('raise', new Error('first')).set('detach', new Error('second'))
    expect(bodyOf(await handle(requestOf('ADD')))).toMatchObject({
      code: 199,
      details: 'Nor could it all be undone; DEL will try again: second',
    })
    expect(scene.ipam.usage()[0]?.used).toBe(1)
    scene.failing.clear()
    expect((await handle(requestOf('DEL'))).exitCode).toBe(0)
    await expectNothingLeft()
  })

  test.each([
    [requestOf('ADD', { CNI_NETNS: '' }), 4],
    [requestOf('ADD', {}, { cniVersion: '0.2.0' }), 1],
    [{ ...requestOf('ADD'), stdin: '{"cniVersion":"1.1.0","na' }, 6],
  ])('what is wrong is found before anything is done', async (request, code) => {
    expect(bodyOf(await handle(request))).toMatchObject({ code })
    expect(scene.log).toEqual([])
    expect(scene.files()).toEqual([])
  })
})

describe('DEL', () => {
  test('after an ADD, then again, and without an ADD', async () => {
    await handle(requestOf('ADD'))
    expect(await handle(requestOf('DEL'))).toEqual({ exitCode: 0, body: '' })
    await expectNothingLeft()
    expect(await handle(requestOf('DEL'))).toEqual({ exitCode: 0, body: '' })
    expect(await handle(requestOf('DEL', { CNI_CONTAINERID: 'c2' }))).toEqual({
      exitCode: 0,
      body: '',
    })
  })

  test('concurrent with itself: the policy is taken back once', async () => {
    await handle(requestOf('ADD'))
    const replies = await Promise.all([1, 2, 3].map(() => handle(requestOf('DEL'))))
    expect(replies.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
    await expectNothingLeft()
    expect(scene.log.filter((line) => line.startsWith('detach'))).toHaveLength(1)
  })

  test('answers when the pod is off the network; what is slow is done later, for all at once', async () => {
    await handle(requestOf('ADD'))
    await handle(requestOf('ADD', { CNI_CONTAINERID: 'c2' }))
    scene.log.length = 0
    await handle(requestOf('DEL'))
    await handle(requestOf('DEL', { CNI_CONTAINERID: 'c2' }))
    expect(scene.log).toEqual(['disconnect 10.0.0.2', 'disconnect 10.0.0.3'])
    await scene.reaper.reap()
    const names = scene.records.all().map(({ hostInterface }) => hostInterface)
    expect(scene.log.slice(2)).toEqual([
      `remove ${names.join()}`,
      'detach cart-0 10.0.0.2',
      'detach cart-0 10.0.0.3',
    ])
    await expectNothingLeft()
  })

  test('that finds no room for its note does all at once', async () => {
    await handle(requestOf('ADD'))
    scene.records.put = () => {
      throw new PodNetworkError('recordFailed', 'No space')
    }
    expect((await handle(requestOf('DEL'))).exitCode).toBe(0)
    expect([...scene.interfaces]).toEqual([])
    expect(scene.files()).toEqual([])
    await expectNothingLeft()
  })

  test('behind an ADD under way, it waits for its end', async () => {
    const replies = await Promise.all([handle(requestOf('ADD')), handle(requestOf('DEL'))])
    expect(replies.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    await expectNothingLeft()
  })

  test('needs no configuration, no namespace and no arguments', async () => {
    await handle(requestOf('ADD'))
    const bare = requestOf('DEL', { CNI_NETNS: '', CNI_ARGS: '' })
    expect((await handle({ ...bare, stdin: '' })).exitCode).toBe(0)
    await expectNothingLeft()
  })

  test('of an interface whose record was lost', async () => {
    scene.interfaces.add(HOST)
    expect((await handle(requestOf('DEL'))).exitCode).toBe(0)
    await expectNothingLeft()
  })

  test('a failure is told, and the next DEL goes on', async () => {
    await handle(requestOf('ADD'))
    scene.failing.set('disconnect', new Error('no'))
    scene.failing.set('detach', new Error('the kernel refused'))
    expect(bodyOf(await handle(requestOf('DEL')))).toMatchObject({
      code: 104,
      msg: 'The policy of shop/cart-0 (eth0) could not be taken out of the kernel: the kernel refused',
    })
    scene.failing.clear()
    expect((await handle(requestOf('DEL'))).exitCode).toBe(0)
    await expectNothingLeft()
  })

  test('by the next agent', async () => {
    await handle(requestOf('ADD'))
    scene = scene.restart()
    expect((await takeOver(scene)).kept).toHaveLength(1)
    expect(
      (await createHandler({ ...scene, inTurn: createInTurn() })(requestOf('DEL'))).exitCode,
    ).toBe(0)
    await expectNothingLeft()
  })
})

describe('ADD while others are leaving', () => {
  test('of the same attachment: what is left of it goes first', async () => {
    await handle(requestOf('ADD'))
    await handle(requestOf('DEL'))
    scene.log.length = 0
    const reply = await handle(requestOf('ADD'))
    expect(bodyOf(reply)).toMatchObject({ ips: [{ address: '10.0.0.3/32' }] })
    expect(scene.log).toEqual([
      `remove ${HOST}`,
      'detach cart-0 10.0.0.2',
      'create cart-0',
      'attach cart-0 10.0.0.3',
      'raise cart-0',
    ])
  })

  test('into a namespace where the old interface still is', async () => {
    await handle(requestOf('ADD'))
    await handle(requestOf('DEL'))
    const create: Scene['wiring']['create'] = (...args) => {
      if (scene.interfaces.has(HOST)) {
        throw new PodNetworkError('interfaceExists', 'There is an eth0')
      }
      return scene.wiring.create(...args)
    }
    const wiring = { ...scene.wiring, create }
    const again = createHandler({ ...scene, wiring, inTurn: createInTurn() })
    const reply = await again(requestOf('ADD', { CNI_CONTAINERID: 'c2' }))
    expect(bodyOf(reply)).toMatchObject({ interfaces: [{}, { name: 'eth0' }] })
    expect(scene.interfaces.size).toBe(1)
  })

  test('of a pod that wants the host port which one of them still has', async () => {
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }]
    const config = { runtimeConfig: { portMappings } }
    await handle(requestOf('ADD', {}, config))
    await handle(requestOf('DEL'))
    const reply = await handle(requestOf('ADD', { CNI_CONTAINERID: 'c2' }, config))
    expect(reply.exitCode).toBe(0)
  })

  test('a refusal that has nothing to do with them costs them nothing', async () => {
    await handle(requestOf('ADD'))
    await handle(requestOf('DEL'))
    scene.failing.set('create', new PodNetworkError('namespaceGone', 'It is gone'))
    const reply = await handle(requestOf('ADD', { CNI_CONTAINERID: 'c2' }))
    expect(bodyOf(reply)).toMatchObject({ code: 3 })
    expect(scene.interfaces.has(HOST)).toBe(true)
  })
})

test.each(['0.3.1', '1.1.0'])('VERSION asked in %s', async (cniVersion) => {
  const reply = await handle({
    environment: new Map([['CNI_COMMAND', 'VERSION']]),
    stdin: JSON.stringify({ cniVersion }),
  })
  expect(reply.exitCode).toBe(0)
  expect(bodyOf(reply)).toEqual({
    cniVersion,
    supportedVersions: ['0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  })
})

test.each([
  [
    'constructor',
    'CNI_COMMAND must be one of ADD, DEL, CHECK, GC, STATUS, VERSION, not "constructor"',
  ],
])('%s', async (command, msg) => {
  const reply = await handle(requestOf(command))
  expect(reply.exitCode).toBe(1)
  expect(bodyOf(reply)).toEqual({ cniVersion: '1.1.0', code: 4, msg })
})

test('no command at all', async () => {
  const reply = await handle({ environment: new Map(), stdin: '' })
  expect(bodyOf(reply)).toMatchObject({ code: 4, msg: 'CNI_COMMAND is missing' })
})
