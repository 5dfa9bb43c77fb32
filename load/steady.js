// k6 run load/steady.js: 1,000 submissions a second for five minutes, whatever the answers do (an open loop).
import { form } from './k6/environment.js'
import { gates, summaryTrendStats } from './k6/gates.js'

export { setup, submit as default, teardown } from './k6/submit.js'

const rate = form.count(1_000)

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: form.duration(300),
      preAllocatedVUs: 100,
      maxVUs: 200,
    },
  },
  // A submission that found no free user was never sent: of a thousand not one may be.
  thresholds: { ...gates, dropped_iterations: [`rate<${rate / 1_000}`] },
  summaryTrendStats,
}
