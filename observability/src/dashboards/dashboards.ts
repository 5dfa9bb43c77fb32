import { agents } from './agents.js'
import type { Dashboard } from './dashboard.js'
import { log } from './log.js'
import { overview } from './overview.js'
import { pipeline } from './pipeline.js'
import { stores } from './stores.js'

export const dashboards: readonly Dashboard[] = [overview, pipeline, log, stores, agents]
