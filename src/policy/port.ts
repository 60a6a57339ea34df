import type { Port } from './model.ts'

/** The transport port of that number, or undefined unless it is an integer from 1 to 65535. */
export function parsePort(value: number): Port | undefined {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? (value as Port) : undefined
}
