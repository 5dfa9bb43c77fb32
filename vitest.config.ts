import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'gateway/src/**/*.test.ts',
      'services/*/src/**/*.test.ts',
      'load/src/**/*.test.ts',
    ],
    testTimeout: 20_000,
  },
})
