import { parametersHash } from '@fractal-lba/pcs'
import { runProcess, serve } from '@fractal-lba/runtime'
import { readScoringConfig } from './config.js'
import { scoringService } from './service.js'

await runProcess('signal-scoring', readScoringConfig, (config, context) => {
  const { parameters } = config
  context.logger.info({ parameters, hash: parametersHash(parameters) }, 'judging with these parameters')
  return serve(config, context, {
    services: [scoringService(parameters, context.logger, context.stopping)],
    ready: () => ({ status: 'ready', dependencies: {} }),
    close: async () => {},
  })
})
