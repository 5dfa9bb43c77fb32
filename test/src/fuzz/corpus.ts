import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Inputs that once found something, or that lead a fuzzer far: one file each, in test/fuzz/corpus. */
export function corpusOf(name: string): readonly Buffer[] {
  const directory = new URL(`../../fuzz/corpus/${name}/`, import.meta.url)
  const files = readdirSync(directory).sort()
  if (files.length === 0) throw new Error(`the corpus has nothing in ${fileURLToPath(directory)}`)
  return files.map((file) => readFileSync(new URL(file, directory)))
}
