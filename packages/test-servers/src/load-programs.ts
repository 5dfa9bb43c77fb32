import type { GoProgram } from './go-programs.js'

/** What load is made with beside our own generator: k6 over HTTP, ghz over gRPC. */
export const loadPrograms = {
  k6: { name: 'k6', goPackage: 'go.k6.io/k6', version: 'v1.8.1' },
  ghz: { name: 'ghz', goPackage: 'github.com/bojand/ghz/cmd/ghz', version: 'v0.121.0' },
} as const satisfies Record<string, GoProgram>
