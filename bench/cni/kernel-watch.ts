import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { subscribe, type Subscription } from '../../src/netlink/subscribe.ts'

/**
 * Links, addresses and routes of both families (linux/rtnetlink.h: RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE,
 * _IPV6_IFADDR, _IPV6_ROUTE). Neighbours are left out: those of pods that stay expire all the time.
 */
const GROUPS = [1, 5, 7, 9, 11]
/** So long nothing happens. */
const QUIET_MS = 300
/** Clock ticks (of 10 ms) that all threads of the kernel together may take meanwhile. */
const IDLE_TICKS = 2
/** On a machine that others use it is never quiet, and figures are taken all the same. */
const PATIENCE_MS = 1500

/** Watches what the kernel does by itself, on some nodes, after what it was asked for is done. */
export class KernelWatch {
  readonly #subscriptions: Subscription[] = []
  #news = 0

  /** @param nodes paths of network namespaces */
  constructor(nodes: readonly string[]) {
    const onNews = (): void => {
      this.#news++
    }
    for (const netns of nodes) {
      const subscriber = { onMessage: onNews, onLost: onNews }
      const subscription = subscribe(NETLINK_ROUTE, GROUPS, subscriber, { netns })
      subscription.unref()
      this.#subscriptions.push(subscription)
    }
  }

  /**
   * Resolves once the kernel has been quiet for a while: it tells no news of the nodes, and its threads (work
   * queues, soft interrupts) take hardly any time. Links that come up or go are heard of up to a second later, and
   * all of that holds locks that the next one needs.
   */
  async untilQuiet(): Promise<void> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const [news, ticks] = [this.#news, kernelTicks()]
      await delay(QUIET_MS)
      if (this.#news === news && kernelTicks() - ticks <= IDLE_TICKS) return
      if (performance.now() > end) return
    }
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close()
  }
}

/** Time of all threads of the kernel, which are children of kthreadd, the second process (proc(5)). */
function kernelTicks(): number {
  const threads = readFileSync('/proc/2/task/2/children', 'utf8').trim().split(' ')
  return threads.reduce((sum, thread) => sum + ticksOf(thread), 0)
}

/** 0 for one that has ended. */
function ticksOf(thread: string): number {
  let stat: string
  try {
    stat = readFileSync(`/proc/${thread}/stat`, 'utf8')
  } catch {
    return 0
  }
  // From the third field on; the 14th and 15th are utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
