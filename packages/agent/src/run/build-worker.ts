import { parentPort, workerData } from 'node:worker_threads'
import { type BuildRules, type BuildTask, buildFile } from './record-builder.js'

// A thread of its own: a large file takes many seconds, in which the agent must send and answer probes.
const port = parentPort
if (port === null) throw new Error('this file is the program of a worker thread')
const rules: BuildRules = workerData
port.on('message', (task: BuildTask) => {
  buildFile(task, rules).then(
    (result) => port.postMessage(result),
    (error: unknown) => {
      throw error // ends the thread; the builder rejects with it
    },
  )
})
