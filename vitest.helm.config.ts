import { defineConfig } from 'vitest/config'

// What the chart renders to under both Helms. npm run test:helm -- --render builds them first.
export default defineConfig({
  test: {
    include: ['helm/test/render/**/*.test.ts'],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    testTimeout: 300_000,
    hookTimeout: 90_000,
  },
})
