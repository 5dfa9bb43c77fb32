import { runProcess } from '@fractal-lba/runtime'
import { startGateway } from './app.js'
import { readGatewayConfig } from './config.js'

await runProcess('gateway', readGatewayConfig, startGateway)
