// Loaded before a program. As process 1 of a container Node ignores a signal that nobody listens for, and until the
// program listens, half a second passes: a stop in that time would be waited for until it becomes a kill.
import { isMainThread } from 'node:worker_threads'

const SIGNALS = { SIGINT: 2, SIGTERM: 15 }

if (isMainThread && process.pid === 1) {
  for (const [signal, number] of Object.entries(SIGNALS)) {
    // It stays, and does nothing once the program listens: with its last listener Node would drop the signal itself.
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + number)
    })
  }
}
