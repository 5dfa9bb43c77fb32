import { configDefaults, defineConfig } from 'vitest/config'

const shared = {
  setupFiles: ['scripts/test/leave-with-parent.mjs'],
  testTimeout: 60_000,
  hookTimeout: 90_000,
}
// These run under the limits that are shipped, of a second or so, which a busy machine can miss: not more than two of
// them at once, and nothing else beside.
const shippedLimits = ['test/e2e/crash.e2e.ts', 'test/e2e/outages.e2e.ts']
const needsServers = '**/*.servers.e2e.ts'

// End-to-end tests: first those over a constellation in the test's own process, then those over the processes as they
// are built. Each file has ports and a directory of its own, and half of the time it waits: so several at a time.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'in-process',
          include: ['test/e2e/in-process/*.e2e.ts'],
          maxWorkers: 3,
          // One load of gateway and services for several files.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'processes',
          include: ['test/e2e/*.e2e.ts'],
          exclude: [...configDefaults.exclude, ...shippedLimits, needsServers],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'processes, shipped limits',
          include: shippedLimits,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
