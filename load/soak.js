// k6 run load/soak.js: 50 users for an hour, for what only time shows: memory, descriptors, the disk.
import { form } from './k6/environment.js'
import { gates, summaryTrendStats } from './k6/gates.js'

export { setup, submitAndThink as default, teardown } from './k6/submit.js'

export const options = {
  scenarios: {
    soak: {
      executor: 'constant-vus',
      vus: form.count(50),
      duration: form.duration(3_600),
      gracefulStop: '30s',
    },
  },
  thresholds: gates,
  summaryTrendStats,
}
