// A thread that does nothing but crypto.verify for as long as it is told, and says how often it did.
import { parentPort } from 'node:worker_threads'
import { verifyFor } from '../compare/verify-cpu.js'

parentPort?.on('message', (durationMs: number) => parentPort?.postMessage(verifyFor(durationMs)))
parentPort?.postMessage(0)
