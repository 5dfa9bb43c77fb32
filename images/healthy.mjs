// The health check of a container, which has no shell: asks the process at METRICS_ADDR for /health, or for /ready where
// the first argument says so. Exit code 0: it answered 200.
const LIMIT_MS = 2_000

const port = /:(\d+)$/.exec(process.env.METRICS_ADDR ?? '')?.[1]
const path = process.argv[2] === 'ready' ? 'ready' : 'health'
try {
  if (port === undefined) throw new Error('METRICS_ADDR must say where it is: host:port')
  const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { signal: AbortSignal.timeout(LIMIT_MS) })
  if (answer.status !== 200) throw new Error(`/${path} answers ${answer.status}: ${await answer.text()}`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
