import { pairedRatios, type Quartiles, quartilesOf } from './statistics.js'
import type { LoadName, Window } from './window.js'

/** One figure of a load: of both builds, and how they stand to each other. */
export interface ComparedFigure {
  readonly load: LoadName
  readonly figure: string
  /** Medians over the windows. */
  readonly reference: number
  readonly measured: number
  /** Of the windows that belong together, measured / reference. */
  readonly ratio: Quartiles
}

export interface LoadComparison {
  readonly load: LoadName
  readonly figures: readonly ComparedFigure[]
  readonly referenceStolenShare: number
  readonly measuredStolenShare: number
}

const figures: Readonly<Record<string, (window: Window) => number>> = {
  'req/s': ({ perSecond }) => perSecond,
  'p50 ms': ({ p50Ms }) => p50Ms,
  'p99 ms': ({ p99Ms }) => p99Ms,
  'CPU us/record': ({ cpuUsPerRecord }) => cpuUsPerRecord,
  'generator us/record': ({ generatorCpuUsPerRecord }) => generatorCpuUsPerRecord,
  'CPU / generator': ({ cpuUsPerRecord, generatorCpuUsPerRecord }) =>
    cpuUsPerRecord / generatorCpuUsPerRecord,
}

/** @param reference window by window, as `measured`. */
export function compareLoad(
  load: LoadName,
  reference: readonly Window[],
  measured: readonly Window[],
): LoadComparison {
  return {
    load,
    figures: Object.entries(figures).map(([figure, of]) => {
      const [theirs, ours] = [reference.map(of), measured.map(of)]
      return {
        load,
        figure,
        reference: quartilesOf(theirs).median,
        measured: quartilesOf(ours).median,
        ratio: quartilesOf(pairedRatios(ours, theirs)),
      }
    }),
    referenceStolenShare: quartilesOf(reference.map(({ stolenShare }) => stolenShare)).median,
    measuredStolenShare: quartilesOf(measured.map(({ stolenShare }) => stolenShare)).median,
  }
}
