import * as v from 'valibot'
import { PluginFailure } from './plugin-failure.ts'

/** A network configuration as an administrator writes it (CNI specification 1.1.0, section 1). */
export interface NetworkList {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly Plugin[]
}

export interface Plugin {
  readonly type: string
  readonly capabilities?: Readonly<Record<string, boolean>>
  readonly [field: string]: unknown
}

/** What a container runtime says of one interface of one container. */
export interface Container {
  readonly id: string
  readonly netns: string
  readonly ifName: string
  /** `CNI_ARGS` */
  readonly args?: string
  /** Handed as `runtimeConfig` to the plugins that declare the capability. */
  readonly capabilityArgs?: Readonly<Record<string, unknown>>
}

export interface AttachmentName {
  readonly containerID: string
  readonly ifname: string
}

export type Result = Readonly<Record<string, unknown>>
type Environment = Readonly<Record<string, string>>

/** Runs the plugin of this name. */
export type RunPlugin = (
  plugin: string,
  environment: Environment,
  stdin: string,
) => Promise<{ readonly code: number | null; readonly stdout: string }>

/**
 * A container runtime as plugins see it: calls the plugins of a list as libcni 1.1 does (api.go), which keeps the
 * result of each ADD until DEL. Every method rejects with the PluginFailure of the first plugin that fails.
 */
export class CniDriver {
  readonly #run: RunPlugin
  readonly #results = new Map<string, Result>()

  constructor(run: RunPlugin) {
    this.#run = run
  }

  /** In order, each with the result of the one before. */
  async add(list: NetworkList, container: Container): Promise<Result> {
    let prevResult: Result | undefined
    for (const plugin of list.plugins) {
      const stdout = await this.#call('ADD', list, plugin, container, prevResult)
      // libcni reads results into types of its own, which write `dns` even when it is empty.
      prevResult = { dns: {}, ...v.parse(result, JSON.parse(stdout)) }
    }
    if (prevResult === undefined) throw new Error(`The network ${list.name} has no plugins.`)
    this.#results.set(keyOf(list, container), prevResult)
    return prevResult
  }

  /** In reverse order, each with the result of the whole ADD, where the version has that in DEL. */
  async del(list: NetworkList, container: Container): Promise<void> {
    const kept = this.#results.get(keyOf(list, container))
    const prevResult = isAtLeast(list.cniVersion, '0.4.0') ? kept : undefined
    for (const plugin of list.plugins.toReversed()) {
      await this.#call('DEL', list, plugin, container, prevResult)
    }
    this.#results.delete(keyOf(list, container))
  }

  /** In order, each with the result of the whole ADD. */
  async check(list: NetworkList, container: Container): Promise<void> {
    requireVersion(list, 'CHECK', '0.4.0')
    const prevResult = this.#results.get(keyOf(list, container))
    for (const plugin of list.plugins) {
      await this.#call('CHECK', list, plugin, container, prevResult)
    }
  }

  /** Tells every plugin which attachments are still there. */
  async gc(list: NetworkList, valid: readonly AttachmentName[]): Promise<void> {
    requireVersion(list, 'GC', '1.1.0')
    const fields = { 'cni.dev/valid-attachments': valid, 'cni.dev/attachments': valid }
    for (const plugin of list.plugins) {
      await this.#invoke('GC', plugin, {}, { ...configurationOf(list, plugin), ...fields })
    }
  }

  async status(list: NetworkList): Promise<void> {
    requireVersion(list, 'STATUS', '1.1.0')
    for (const plugin of list.plugins) {
      await this.#invoke('STATUS', plugin, {}, configurationOf(list, plugin))
    }
  }

  /** The versions that a plugin speaks. */
  async version(plugin: Plugin, cniVersion: string): Promise<readonly string[]> {
    const stdout = await this.#invoke('VERSION', plugin, {}, { cniVersion })
    return v.parse(versions, JSON.parse(stdout)).supportedVersions
  }

  #call(
    command: 'ADD' | 'DEL' | 'CHECK',
    list: NetworkList,
    plugin: Plugin,
    container: Container,
    prevResult: Result | undefined,
  ): Promise<string> {
    const configuration = {
      ...configurationOf(list, plugin),
      ...runtimeConfigOf(plugin, container),
      ...(prevResult === undefined ? {} : { prevResult }),
    }
    const environment = {
      CNI_CONTAINERID: container.id,
      CNI_NETNS: container.netns,
      CNI_IFNAME: container.ifName,
      CNI_ARGS: container.args ?? '',
    }
    return this.#invoke(command, plugin, environment, configuration)
  }

  async #invoke(
    command: string,
    { type }: Plugin,
    environment: Environment,
    configuration: object,
  ): Promise<string> {
    const variables = { ...environment, CNI_COMMAND: command, CNI_PATH: '/opt/cni/bin' }
    const { code, stdout } = await this.#run(type, variables, JSON.stringify(configuration))
    if (code !== 0) throw new PluginFailure(type, command, stdout)
    return stdout
  }
}

const result = v.record(v.string(), v.unknown())
const versions = v.object({ supportedVersions: v.array(v.string()) })

function keyOf({ name }: NetworkList, { id, ifName }: Container): string {
  return `${name}-${id}-${ifName}`
}

function configurationOf({ name, cniVersion }: NetworkList, plugin: Plugin): object {
  return { ...plugin, name, cniVersion }
}

/** What the container has for the capabilities that the plugin declares. */
function runtimeConfigOf({ capabilities = {} }: Plugin, { capabilityArgs = {} }: Container) {
  const declared = Object.entries(capabilityArgs).filter(([name]) => capabilities[name] === true)
  return declared.length === 0 ? {} : { runtimeConfig: Object.fromEntries(declared) }
}

function requireVersion({ name, cniVersion }: NetworkList, command: string, least: string): void {
  if (isAtLeast(cniVersion, least)) return
  throw new Error(`${command} needs cniVersion ${least}; the network ${name} has ${cniVersion}.`)
}

/** All versions of the specification have one digit a part. */
function isAtLeast(version: string, least: string): boolean {
  return version >= least
}
