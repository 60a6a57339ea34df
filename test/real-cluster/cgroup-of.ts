import type { Places } from './places.ts'

/** The cgroup that a machine and all of its pods are in, from the root of each hierarchy. */
export function cgroupOf(machine: string, { cgroup }: Pick<Places, 'cgroup'>): string {
  return `/${cgroup}/${machine}`
}
