// Loaded before a program by NODE_OPTIONS: profiles it from one SIGWINCH to the next. Node's own --cpu-prof would
// cover start and warm-up too, and is not allowed in NODE_OPTIONS on Node 20.
import { renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'

const file = process.env.BENCH_PROFILE_FILE
const session = new Session()
let underWay = false

process.on('SIGWINCH', () => {
  if (underWay) stop()
  else start()
  underWay = !underWay
})

function start(): void {
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: 500 })
  session.post('Profiler.start')
}

function stop(): void {
  session.post('Profiler.stop', (error, result) => {
    session.disconnect()
    if (error || file === undefined) throw error ?? new Error('BENCH_PROFILE_FILE is not set')
    writeFileSync(`${file}.part`, JSON.stringify(result.profile))
    renameSync(`${file}.part`, file)
  })
}
