import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * The same text for all processes that get their time from one kernel, also from containers; another one on another host.
 * The kernel's boot id is that; where there is none, the name of the host stands for it.
 */
export function hostIdOf(read: () => string = readBootId): string {
  try {
    const bootId = read().trim()
    if (/^[0-9a-f-]{36}$/.test(bootId)) return bootId
  } catch {
    // Not Linux, or /proc is not there: the name will do.
  }
  return hash('sha256', hostname()).slice(0, 32)
}

function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
}
