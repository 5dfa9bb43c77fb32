import { defineConfig } from 'vitest/config'

// What the real promtool, pint and others say of observability/, and k6 of load/. npm run test:observability builds them first.
export default defineConfig({
  test: {
    include: [
      'observability/src/**/*.programs.test.ts',
      'test/observability/**/*.programs.test.ts',
      'load/src/**/*.programs.test.ts',
    ],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    testTimeout: 300_000,
    hookTimeout: 90_000,
  },
})
