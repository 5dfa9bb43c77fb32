// k6 run load/baseline.js: a usual day. 0 to 100 users within a minute, five minutes of them, down within a minute.
// A user thinks for 100 ms between an answer and the next submission.
import { form } from './k6/environment.js'
import { gates, summaryTrendStats } from './k6/gates.js'

export { setup, submitAndThink as default, teardown } from './k6/submit.js'

export const options = {
  scenarios: {
    baseline: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: form.stages([
        { seconds: 60, target: 100 },
        { seconds: 300, target: 100 },
        { seconds: 60, target: 0 },
      ]),
      gracefulRampDown: '30s',
    },
  },
  thresholds: gates,
  summaryTrendStats,
}
