import { defineConfig } from 'vitest/config'

// End-to-end tests: over the processes as they are built, one file after the other, because each file has a
// constellation of its own and the machine may have two cores.
export default defineConfig({
  test: {
    include: ['test/**/*.e2e.ts'],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
})
