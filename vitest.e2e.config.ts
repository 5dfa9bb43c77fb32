import { configDefaults, defineConfig } from 'vitest/config'

const shared = {
  setupFiles: ['scripts/test/leave-with-parent.mjs'],
  testTimeout: 60_000,
  hookTimeout: 90_000,
}

// End-to-end tests: first those over a constellation in the test's own process, then those over the processes as they
// are built. What is killed or taken away on purpose: vitest.fault.config.ts. Each file has ports and a directory of
// its own, and half of the time it waits: so several at a time.
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
          exclude: [...configDefaults.exclude, '**/*.servers.e2e.ts'],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
