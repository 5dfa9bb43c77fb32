import { type ProcessContext, type Running, serve } from '@fractal-lba/runtime'
import type { VerifierConfig } from './config.js'
import { createVerifierMetrics } from './metrics.js'
import { verifierService } from './service.js'

/** Starts the service in this process. */
export async function startVerifier(config: VerifierConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry } = context
  const { keys } = config
  if (keys.algorithm === 'none') logger.warn('PCS_SIGN_ALG=none: signatures are not looked at')
  else
    logger.info(
      { algorithm: keys.algorithm, keys: keys.keys.map(({ id }) => id) },
      'verifying with these keys',
    )
  return serve(config, context, {
    services: [verifierService(keys, logger, createVerifierMetrics(registry))],
    ready: () => ({ status: 'ready', dependencies: {} }),
    close: async () => {},
  })
}
