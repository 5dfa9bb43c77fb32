import type { DashboardName } from '../rules/alert.js'

/** Units by Grafana's names. */
export type Unit = 'percentunit' | 's' | 'short' | 'reqps' | 'bytes' | 'none' | 'h'
export type Color = 'green' | 'yellow' | 'orange' | 'red' | 'blue'

export interface Query {
  /** PromQL; `$__rate_interval` and `$__range` are Grafana's, other `$` names are the dashboard's variables. */
  readonly expr: string
  /** With `{{label}}` for labels. */
  readonly legend: string
  readonly color?: Color
  /** Its series have exemplars, which lead to traces. */
  readonly hasExemplars?: true
}

/** From this value on a panel has this colour. */
export interface Threshold {
  readonly from: number
  readonly color: Color
}

export interface Panel {
  readonly kind: 'lines' | 'number'
  readonly title: string
  /** What a person reads off it. */
  readonly description: string
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** Below the first one it is green. */
  readonly thresholds?: readonly Threshold[]
  /** Names of files in docs/runbooks, without .md. */
  readonly runbooks?: readonly string[]
  /** Each query stands for one state of the same thing: only one of them has a result. */
  readonly isOneOf?: true
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** A number that whoever looks may change. */
export interface NumberVariable {
  readonly name: string
  readonly label: string
  readonly value: number
}

export interface Dashboard {
  readonly name: DashboardName
  readonly title: string
  readonly description: string
  readonly variables?: readonly NumberVariable[]
  readonly rows: readonly Row[]
}
