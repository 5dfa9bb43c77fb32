import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as NumberBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { dashboardUids } from '../rules/alert.js'
import type { Dashboard, NumberVariable, Panel, Row } from './dashboard.js'

const TAG = 'fractal-lba'
const ROW_WIDTH = 24
const PANEL_HEIGHT = 8
/** The datasource that the provisioning makes; who looks may choose another. */
const DATASOURCE_VARIABLE = 'datasource'
const datasource = { type: 'prometheus', uid: `\${${DATASOURCE_VARIABLE}}` }

export interface DashboardOptions {
  /** Runbooks are found at `<base>/<name>.md`. */
  readonly runbookBaseUrl: string
}

/** A dashboard as Grafana reads it. */
export function dashboardText(dashboard: Dashboard, options: DashboardOptions): string {
  return `${JSON.stringify(dashboardJson(dashboard, options), null, 2)}\n`
}

function dashboardJson(
  { name, title, description, variables = [], rows }: Dashboard,
  options: DashboardOptions,
): grafana.Dashboard {
  const builder = new grafana.DashboardBuilder(title)
    .uid(dashboardUids[name])
    .description(description)
    .tags([TAG])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('utc')
    .readonly()
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .withVariable(
      new grafana.DatasourceVariableBuilder(DATASOURCE_VARIABLE)
        .label('data source')
        .type('prometheus')
        .current({ text: 'Prometheus', value: 'prometheus' }),
    )
    .link(
      new grafana.DashboardLinkBuilder('Fractal LBA')
        .type(grafana.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true),
    )
  for (const variable of variables) builder.withVariable(numberVariable(variable))
  let id = 1
  for (const row of rows) {
    builder.withRow(new grafana.RowBuilder(row.title).id(id++))
    for (const panel of row.panels) {
      builder.withPanel(panelBuilder(panel, options).id(id++).height(PANEL_HEIGHT).span(widthIn(row)))
    }
  }
  return builder.build()
}

function widthIn({ panels }: Row): number {
  return ROW_WIDTH / (panels.length % 4 === 0 ? 4 : Math.min(3, panels.length))
}

function numberVariable({ name, label, value }: NumberVariable) {
  const current = { text: String(value), value: String(value) }
  return new grafana.TextBoxVariableBuilder(name).label(label).defaultValue(String(value)).current(current)
}

function panelBuilder(panel: Panel, { runbookBaseUrl }: DashboardOptions): LinesBuilder | NumberBuilder {
  const builder = panel.kind === 'lines' ? linesBuilder(panel) : numberBuilder()
  builder.title(panel.title).description(panel.description).unit(panel.unit).datasource(datasource)
  builder.links(
    (panel.runbooks ?? []).map((runbook) =>
      new grafana.DashboardLinkBuilder(`runbook: ${runbook}`)
        .type(grafana.DashboardLinkType.Link)
        .url(`${runbookBaseUrl.replace(/\/+$/, '')}/${runbook}.md`)
        .targetBlank(true),
    ),
  )
  if (panel.thresholds) {
    const steps = panel.thresholds.map(({ from, color }) => ({ value: from, color }))
    builder.thresholds(
      new grafana.ThresholdsConfigBuilder()
        .mode(grafana.ThresholdsMode.Absolute)
        .steps([{ value: null, color: 'green' }, ...steps]),
    )
  }
  for (const [index, { expr, legend, color, hasExemplars }] of panel.queries.entries()) {
    const refId = String.fromCharCode('A'.charCodeAt(0) + index)
    const query = new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).range()
    if (hasExemplars) query.exemplar(true)
    builder.withTarget(query)
    if (color !== undefined) {
      builder.overrideByQuery(refId, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }])
    }
  }
  return builder
}

function linesBuilder({ thresholds }: Panel): LinesBuilder {
  const builder = new LinesBuilder().legend(
    new VizLegendOptionsBuilder()
      .displayMode(LegendDisplayMode.List)
      .placement(LegendPlacement.Bottom)
      .showLegend(true),
  )
  if (!thresholds) return builder
  const dashed = new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed)
  return builder.thresholdsStyle(dashed)
}

function numberBuilder(): NumberBuilder {
  return new NumberBuilder().colorMode(BigValueColorMode.Value).graphMode(BigValueGraphMode.Area)
}
