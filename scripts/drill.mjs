import { NotReady, ready, root } from './ready.mjs'

const out = (/** @type {string} */ text) => process.stdout.write(text)
const args = process.argv.slice(2)
// A fault may be a mount, a cgroup or a process that stands still: who ends the drill waits until all of it is undone.
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopping.abort())
try {
  await ready((line) => out(`${line}\n`))
  const { DRILL_HELP, runDrill } = await import('@fractal-lba/drill')
  if (args.includes('--help') || args.includes('-h')) {
    out(DRILL_HELP)
    process.exit()
  }
  process.exit(await runDrill({ args, root, out, stopping: stopping.signal }))
} catch (error) {
  if (!(error instanceof NotReady) && !(error instanceof Error)) throw error
  out(stopping.signal.aborted ? 'stopped\n' : `${error.message}\n`)
  process.exit(1)
}
