import { defineConfig } from 'vitest/config'

// Tests that need programs of others on this machine: an installed Redis or Postgres. Where one is missing, its tests
// are skipped and say so.
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.servers.test.ts',
      'services/*/src/**/*.servers.test.ts',
      'test/e2e/*.servers.e2e.ts',
    ],
    // Most of the time they wait.
    maxWorkers: 3,
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
})
