import { parametersHash } from '@fractal-lba/pcs'
import { type ProcessContext, type Running, serve } from '@fractal-lba/runtime'
import type { ScoringConfig } from './config.js'
import { createScoringMetrics } from './metrics.js'
import { scoringService } from './service.js'

/** Starts the service in this process. */
export async function startScoring(config: ScoringConfig, context: ProcessContext): Promise<Running> {
  const { parameters } = config
  const { logger, registry } = context
  logger.info({ parameters, hash: parametersHash(parameters) }, 'judging with these parameters')
  return serve(config, context, {
    services: [scoringService(parameters, logger, createScoringMetrics(registry))],
    ready: () => ({ status: 'ready', dependencies: {} }),
    close: async () => {},
  })
}
