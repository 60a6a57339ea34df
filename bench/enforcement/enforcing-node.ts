import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { NodeAnswer, NodeQuestion, PodPlan, StartOrder } from './node-messages.ts'

/** A node whose enforcer is asked directly: a process in the node's namespace. One question at a time. */
export class EnforcingNode {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** @param netns path of the node's namespace */
  static async open(netns: string): Promise<EnforcingNode> {
    const child = fork(join(import.meta.dirname, 'node-process.ts'), [netns], {
      serialization: 'advanced',
    })
    const node = new EnforcingNode(child)
    await node.#answer()
    return node
  }

  /** Resolves when it is in force, to the moment at which the enforcer got it. */
  async apply(text: string): Promise<number> {
    const answer = await this.#ask({ kind: 'apply', text })
    return answer.kind === 'applied' ? answer.handedAtMs : Number.NaN
  }

  /** Resolves when the pod has both policy and link, to the moment at which it had its link. */
  async start(pod: PodPlan, order: StartOrder): Promise<number> {
    const answer = await this.#ask({ kind: 'start', pod, order })
    return answer.kind === 'started' ? answer.upAtMs : Number.NaN
  }

  async remove(pods: readonly PodPlan[]): Promise<void> {
    await this.#ask({ kind: 'remove', pods })
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill()
    await gone
  }

  #ask(question: NodeQuestion): Promise<NodeAnswer> {
    this.#child.send(question)
    return this.#answer()
  }

  #answer(): Promise<NodeAnswer> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('The process of the node under test has ended.'))
      this.#child.once('exit', onExit)
      this.#child.once('message', (answer: NodeAnswer) => {
        this.#child.off('exit', onExit)
        if (answer.kind === 'error') reject(new Error(answer.message))
        else resolve(answer)
      })
    })
  }
}
