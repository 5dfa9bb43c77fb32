import { defineConfig } from 'vitest/config'

// Fault tests: over real processes, disks and stores that are broken on purpose; one file after the other. The long
// form (npm run test:fault) makes many rounds.
const isLong = process.env.FLK_LONG === '1'

export default defineConfig({
  test: {
    include: ['test/fault/**/*.fault.ts'],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    fileParallelism: false,
    testTimeout: isLong ? 6 * 60 * 60_000 : 180_000,
    hookTimeout: 180_000,
  },
})
