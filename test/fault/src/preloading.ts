import type { Environment } from '@fractal-lba/local'

/** Of a process that loads these modules of ../broken/ before anything else, in this order. */
export function preloading(...names: readonly string[]): Environment {
  const imports = names.map((name) => `--import=${new URL(`../broken/${name}.mjs`, import.meta.url).href}`)
  return { NODE_OPTIONS: imports.join(' ') }
}
