import { mkdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FuzzTarget, SocketTarget } from './target.js'

const DIRECTORY = fileURLToPath(new URL('../../fuzz/failures/', import.meta.url))

/** Stores the input that failed. @returns what a person needs to see it again */
export function failureText(
  { name, input }: Pick<FuzzTarget | SocketTarget, 'name' | 'input'>,
  seed: number,
  message: string,
): string {
  const path = `${DIRECTORY}${name}-${seed}.bin`
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(path, input(seed))
  const again = `npm run fuzz -- --target ${name} --seed ${seed}`
  return `seed ${seed}: ${message}\n  stored as ${relative(process.cwd(), path)}; again: ${again}`
}
