import { defineConfig } from 'vitest/config'

// The images as containers: podman runs them. npm run test:images builds them first; without podman it skips them by name.
export default defineConfig({
  test: {
    include: ['test/images/**/*.images.test.ts'],
    setupFiles: ['scripts/test/leave-with-parent.mjs'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
})
