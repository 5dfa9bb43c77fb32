// What a run must keep, or k6 ends with exit code 99.

export const gates = {
  'http_req_duration{name:submit}': ['p(95)<200', 'p(99)<500'],
  errors: ['rate<0.01'],
  signature_failures: ['rate<0.001'],
  'checks{check:never 5xx}': ['rate>0.999'],
}

/** What the summary and --summary-export tell of durations. */
export const summaryTrendStats = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)']
