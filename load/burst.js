// k6 run load/burst.js: 500 users for a minute, after and before a ramp of 10 s.
import { form } from './k6/environment.js'
import { gates, summaryTrendStats } from './k6/gates.js'

export { setup, submitAndThink as default, teardown } from './k6/submit.js'

export const options = {
  scenarios: {
    burst: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: form.stages([
        { seconds: 10, target: 500 },
        { seconds: 60, target: 500 },
        { seconds: 10, target: 0 },
      ]),
      gracefulRampDown: '30s',
    },
  },
  thresholds: gates,
  summaryTrendStats,
}
