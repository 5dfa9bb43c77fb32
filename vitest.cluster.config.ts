import { defineConfig } from 'vitest/config'

// The chart on a real API server. npm run test:helm builds its programs first.
export default defineConfig({
  test: {
    include: ['packages/test-cluster/src/**/*.cluster.test.ts', 'helm/test/cluster/**/*.cluster.test.ts'],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    // A cluster takes most of a processor while something is installed.
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
})
