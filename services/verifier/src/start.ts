import { type ProcessContext, type Running, serve } from '@fractal-lba/runtime'
import type { VerifierConfig } from './config.js'
import { openKeys } from './key-ring.js'
import { createVerifierMetrics } from './metrics.js'
import { verifierService } from './service.js'
import { SignatureQueue } from './signature-queue.js'

/** Starts the service in this process. */
export async function startVerifier(config: VerifierConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry } = context
  const keys = await openKeys(config.keys, logger)
  const signatures = new SignatureQueue(config.signatures)
  const metrics = createVerifierMetrics(registry, {
    ring: () => keys.ring,
    waiting: () => signatures.waiting,
  })
  return serve(config, context, {
    services: [verifierService({ keys, check: signatures.check, metrics }, logger)],
    ready: () => ({
      status: 'ready',
      ...(keys.problem !== undefined && { detail: `the key file is not used: ${keys.problem}` }),
      dependencies: {},
    }),
    close: async () => keys.close(),
  })
}
