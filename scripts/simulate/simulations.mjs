import { simulateOutbox } from '@fractal-lba/agent/testing'
import { simulate, simulateDamage } from '@fractal-lba/wal/testing'

/**
 * What a worker runs: each by its kind, from a seed; rejects when a promise was broken.
 * @type {Readonly<Record<string, (seed: number) => Promise<object>>>}
 */
export const simulations = { crashes: simulate, damage: simulateDamage, outbox: simulateOutbox }
