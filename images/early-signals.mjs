// Loaded before a program. As process 1 of a container Node ignores a signal that nobody listens for, and until the
// program listens, half a second passes: a stop in that time would be waited for until it becomes a kill.
import { isMainThread } from 'node:worker_threads'

const SIGNALS = { SIGINT: 2, SIGTERM: 15 }

if (isMainThread && process.pid === 1) {
  for (const [signal, number] of Object.entries(SIGNALS)) {
    const end = () => process.exit(128 + number)
    process.on(signal, end)
    const handOver = (/** @type {string | symbol} */ event) => {
      if (event !== signal) return
      process.off('newListener', handOver)
      process.off(signal, end)
    }
    process.on('newListener', handOver)
  }
}
