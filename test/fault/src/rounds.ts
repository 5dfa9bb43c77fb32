import { isLong } from '../../src/long.js'

/** Where the random moments of a test begin; a test that failed is run again with its own: FAULT_SEED. */
export const SEED = numberOf('FAULT_SEED') ?? Date.now() % 1_000_000

/** How often a fault is made, in the short form and in the long one; FAULT_ROUNDS says otherwise. */
export function roundsOf({ short, long }: { readonly short: number; readonly long: number }): number {
  return numberOf('FAULT_ROUNDS') ?? (isLong ? long : short)
}

function numberOf(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${name} is not a number: ${text}`)
  return number
}
