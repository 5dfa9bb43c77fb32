import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'

// Unit tests: each beside what it tests. Those over the whole constellation: vitest.e2e.config.ts; those that need an
// installed Redis or Postgres: vitest.servers.config.ts.
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'gateway/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'constellation/src/**/*.test.ts',
      'load/src/**/*.test.ts',
      'bench/src/**/*.test.ts',
      'observability/src/**/*.test.ts',
      'drill/src/**/*.test.ts',
      'scripts/**/*.test.mjs',
      'helm/test/render/quick.test.ts',
    ],
    exclude: [
      ...configDefaults.exclude,
      '**/*.servers.test.ts',
      '**/*.programs.test.ts',
      '**/*.cluster.test.ts',
    ],
    // Half of the time they wait; the default on two cores is one worker.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Several files in one process, one after the other: a process for each would be a third of the time.
    isolate: false,
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    // Far above what a test takes: a slow machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
